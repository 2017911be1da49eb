// Words that were taught to a model: from files to pictures.
#include "models/pipelines/diffusion/embeddings.h"

#include "compute/half.h"
#include "models/files/made_tensor.h"
#include "models/files/safetensors_write.h"
#include "models/library/open_checkpoint.h"
#include "models/text/clip_tokenizer.h"
#include "tests/environment_variable.h"
#include "tests/models/pipelines/generate_cases.h"
#include "tests/scratch_folder.h"

namespace sfumato {
namespace {

constexpr char const* of_sd1 = "cond_stage_model.transformer.text_model.embeddings.token_embedding.weight";

// What the table of a model has for the tokens of a text, [n, width].
struct vectors {
    std::vector<float> values;
    std::int64_t width = 0;

    vectors(checkpoint const& model, std::string const& table, std::string_view text) {
        stored_tensor const& t = model.at(table);
        std::vector<float> const all = numbers_of(t);
        width = t.shape[1];
        for (std::int32_t const id : clip_tokenize(text, {.size = std::int32_t(t.shape[0])})) {
            auto const row = all.begin() + id * width;
            values.insert(values.end(), row, row + width);
        }
    }
    stored_tensor as_tensor() const { return f32_tensor({std::int64_t(values.size()) / width, width}, values); }
};

// A home with the web UI's folders, and its models' prompts.
struct embeddings : testing::Test {
    scratch_folder home;
    environment_variable const at_home{"HOME", home.path.string()}, no_data{"XDG_DATA_HOME", ""},
        no_models{"SFUMATO_MODELS", ""};

    embeddings() {
        std::filesystem::create_directories(home.path / "stable-diffusion-webui/models");
        std::filesystem::create_directories(home.path / "stable-diffusion-webui/embeddings");
        std::filesystem::create_directories(home.path / "ComfyUI/models/embeddings");
    }

    void put(std::string const& name, std::map<std::string, stored_tensor, std::less<>> const& tensors) const {
        write_safetensors(home / name, tensors);
    }
};

std::vector<std::string> warnings_of(request const& r) {
    std::vector<std::string> warnings;
    shelf models;
    results(test_device(), models, r, nullptr, {}, {.warned = [&](std::string const& w) { warnings.push_back(w); }});
    return warnings;
}

// A word with the vectors of "red fox" is "red fox", bit for bit, weights and negative prompt included.
TEST_F(embeddings, a_word_is_its_vectors) {
    checkpoint const model = open_checkpoint("procedural:sd1-tiny");
    vectors const fox(model, of_sd1, "red fox"), blur(model, of_sd1, "blur");
    put("stable-diffusion-webui/embeddings/My-Fox.safetensors", {{"emb_params", fox.as_tensor()}});
    put("ComfyUI/models/embeddings/bad.safetensors", {{"<bad>", blur.as_tensor()}});
    request r = small_request();
    for (dtype const type : {dtype::f32, dtype::f16}) {
        r.diffusion.prompt = "a (red fox:1.3) in snow";
        r.diffusion.negative_prompt = "blur, dark";
        auto const plain = run(r, type);
        r.diffusion.prompt = "a (my-fox:1.3) in snow";
        r.diffusion.negative_prompt = "embedding:bad, dark";
        auto const learnt = run(r, type);
        EXPECT_EQ(plain.made.pixels, learnt.made.pixels);
        EXPECT_EQ(learnt.recipe.diffusion.prompt, r.diffusion.prompt);
    }
    EXPECT_TRUE(warnings_of(r).empty());
    // In ComfyUI's folder the name alone is a word as any other.
    r.diffusion.negative_prompt = "bad, dark";
    auto const as_word = run(r);
    r.diffusion.negative_prompt = "embedding:bad, dark";
    EXPECT_NE(run(r).made.pixels, as_word.made.pixels);
}

TEST_F(embeddings, of_two_encoders) {
    checkpoint const model = open_checkpoint("procedural:sdxl-tiny");
    std::map<std::string, stored_tensor, std::less<>> tensors;
    std::vector<vectors> kept;
    kept.reserve(2);
    for (auto const& [key, prefix] : {std::pair{"clip_l", xl_clip_l_prefix}, {"clip_g", xl_clip_g_prefix}})
        tensors[key] =
            kept.emplace_back(model, std::string(prefix) + "text_model.embeddings.token_embedding.weight", "red fox")
                .as_tensor();
    put("stable-diffusion-webui/embeddings/myfox.safetensors", tensors);
    request r = small_request();
    r.diffusion.model = "procedural:sdxl-tiny";
    r.diffusion.prompt = "a red fox";
    auto const plain = run(r);
    r.diffusion.prompt = "a myfox";
    EXPECT_EQ(run(r).made.pixels, plain.made.pixels);
}

TEST_F(embeddings, of_another_family_are_told_of) {
    std::vector<float> const values(5);
    put("stable-diffusion-webui/embeddings/other.safetensors", {{"emb_params", f32_tensor({1, 5}, values)}});
    home.put("stable-diffusion-webui/embeddings/broken.safetensors", "\xff");
    request r = small_request();
    r.diffusion.prompt = "other, broken";
    auto const warnings = warnings_of(r);
    ASSERT_EQ(warnings.size(), 2u);
    for (auto const& w : warnings) EXPECT_TRUE(w.ends_with("It is not used.")) << w;
    auto const told = run(r);
    std::filesystem::remove_all(home.path / "stable-diffusion-webui/embeddings");
    EXPECT_EQ(run(r).made.pixels, told.made.pixels) << "as words";
}

TEST(vectors_of_width, takes_the_one_that_fits) {
    std::vector<float> const values(12, 2.0f);
    std::span<float const> const all(values);
    checkpoint c;
    c.tensors["string_to_param.*"] = f32_tensor({2, 6}, all);
    EXPECT_EQ(vectors_of_width(c, 6).size(), 12u);
    EXPECT_TRUE(vectors_of_width(c, 3).empty());
    c.tensors["one"] = f32_tensor({3}, all.first(3));
    EXPECT_EQ(vectors_of_width(c, 3).size(), 3u);
    c.tensors["another"] = f32_tensor({1, 6}, all.first(6));
    EXPECT_TRUE(vectors_of_width(c, 6).empty()) << "which of the two?";
}

} // namespace
} // namespace sfumato
