#include "models/pipelines/diffusion/embeddings.h"

#include "compute/error.h"
#include "models/files/made_tensor.h"
#include "models/library/model_folders.h"
#include "models/library/open_checkpoint.h"
#include "models/library/scan.h"
#include "models/text/prompt.h"

#include <algorithm>
#include <format>
#include <ranges>

namespace sfumato {

namespace {

struct embedding_file {
    std::filesystem::path path;
    learnt_word word; // its vectors are not counted yet
};

// Those whose names the prompts hold; the first of a name counts.
std::vector<embedding_file> files_in(diffusion_settings const& s) {
    std::vector<embedding_file> found;
    for (embedding_folder const& folder : embedding_folders())
        visit_models({folder.path}, [&](std::filesystem::path const& path) {
            learnt_word const word{.name = path.stem().string(), .as_word = folder.names_are_words};
            auto const is_same = [&](embedding_file const& other) { return other.word.name == word.name; };
            bool const is_held = is_in_prompt(word, s.prompt) || is_in_prompt(word, s.negative_prompt);
            if (is_held && std::ranges::none_of(found, is_same)) found.push_back({path, word});
        });
    return found;
}

// For each encoder. Throws error: none, or not as many for each.
std::vector<std::vector<float>> vectors_in(embedding_file const& file, diffusion_model const& model) {
    checkpoint const c = open_checkpoint(file.path.string());
    std::vector<std::vector<float>> all;
    std::size_t count = 0;
    for (clip_config const& text : model.texts()) {
        all.push_back(vectors_of_width(c, text.hidden));
        std::size_t const here = all.back().size() / std::size_t(text.hidden);
        if (here == 0 || (count && here != count))
            fail("'{}' holds no word for a text encoder of width {}: it was taught to another family of models.",
                 file.path.string(), text.hidden);
        count = here;
    }
    constexpr std::size_t most = prompt_chunks::length - 2;
    if (count > most)
        fail("'{}' has {} vectors, which are more than the {} tokens of a chunk.", file.path.string(), count, most);
    return all;
}

} // namespace

learnt_embeddings find_embeddings(diffusion_settings const& s, diffusion_model const& model,
                                  std::vector<std::string>& warnings) {
    learnt_embeddings found{.words = {}, .vectors = std::vector<std::vector<float>>(model.texts().size())};
    for (embedding_file& file : files_in(s)) {
        try {
            auto const vectors = vectors_in(file, model);
            file.word.vectors = int(vectors[0].size() / std::size_t(model.texts()[0].hidden));
            for (std::size_t i = 0; i < vectors.size(); ++i)
                found.vectors[i].insert(found.vectors[i].end(), vectors[i].begin(), vectors[i].end());
            found.words.push_back(file.word);
        } catch (error const& e) {
            warnings.push_back(std::format("{} It is not used.", e.what()));
        }
    }
    return found;
}

std::vector<float> vectors_of_width(checkpoint const& c, int width) {
    stored_tensor const* only = nullptr;
    for (stored_tensor const& t : std::views::values(c.tensors)) {
        bool const fits = !t.shape.empty() && t.shape.size() <= 2 && t.shape.back() == width && t.count() > 0;
        if (!fits) continue;
        if (only) return {};
        only = &t;
    }
    return only && has_numbers(*only) ? numbers_of(*only) : std::vector<float>();
}

} // namespace sfumato
