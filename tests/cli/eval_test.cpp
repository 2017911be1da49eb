// `sfumato eval` as scripts see it: a case in, a file with the same names out, and errors in one sentence.
#include "models/eval/case.h"
#include "tests/cli/command.h"

#include <algorithm>

using namespace sfumato;

namespace {

struct eval : testing::Test {
    scratch_folder folder;
    std::string const out = folder.path / "out.safetensors", golden = GOLDEN "/cases/taesd.taesd-tiny.a.safetensors";

    ended run(std::vector<std::string> arguments) const {
        arguments.insert(arguments.begin(), {FAKE_SFUMATO, "eval"});
        return run_to_end(arguments, folder.path);
    }
    ended taesd(std::string const& of, std::vector<std::string> more = {}) const {
        more.insert(more.begin(), {"taesd", "--weights", "procedural:taesd-tiny", "--case", of, "--output", out});
        return run(more);
    }
};

} // namespace

TEST_F(eval, writes_what_the_case_names) {
    ended const e = taesd(golden, {"--taps"});
    ASSERT_EQ(e.code, 0) << e.err;
    network_case const wanted = read_case(golden), got = read_case(out);
    for (auto const& [name, t] : wanted.tensors) {
        if (name.starts_with("in.")) continue;
        ASSERT_TRUE(got.has(name)) << name;
        EXPECT_EQ(got.tensors.at(name).shape, t.shape) << name;
    }
    auto const &a = got.tensors.at("out.decoded").values, &b = wanted.tensors.at("out.decoded").values;
    for (std::size_t i = 0; i < a.size(); ++i) ASSERT_NEAR(a[i], b[i], 1e-4);
    // Without --taps there are none.
    ASSERT_EQ(taesd(golden, {"--dtype=fp16"}).code, 0);
    auto const plain = read_case(out);
    EXPECT_TRUE(std::ranges::all_of(plain.tensors, [](auto const& t) { return t.first.starts_with("out."); }));
}

TEST_F(eval, usage_errors_are_exit_code_2) {
    struct {
        std::vector<std::string> arguments;
        std::string mentions;
    } const cases[] = {
        {{}, "exactly one name"},
        {{"unet", "vae"}, "exactly one name"},
        {{"gan"}, "not \"gan\""},
        {{"vae"}, "needs --weights"},
        {{"vae", "--weights", "procedural:sd1-tiny"}, "needs --case"},
        {{"vae", "--weights", "procedural:sd1-tiny", "--case", golden}, "needs --output"},
        {{"taesd", "--weights", "procedural:taesd-tiny", "--case", golden, "--output", out, "--dtype", "fp8"},
         "--dtype"},
    };
    for (auto const& c : cases) {
        ended const e = run(c.arguments);
        EXPECT_EQ(e.code, 2) << c.mentions;
        EXPECT_TRUE(mentions(e.err, c.mentions)) << e.err;
    }
}

TEST_F(eval, failures_are_one_sentence) {
    network_case c = read_case(golden);
    std::string const no_input = folder.path / "no_input", other_shape = folder.path / "other_shape",
                      config = c.config.dump();
    c.tensors["in.latent"].shape = {1, 2, 12, 5};
    write_case(other_shape, c.tensors, {{"config", config}});
    std::erase_if(c.tensors, [](auto const& t) { return t.first.starts_with("in."); });
    write_case(no_input, c.tensors, {{"config", config}});
    struct {
        std::vector<std::string> arguments;
        std::string mentions;
    } const cases[] = {
        {{"taesd", "--weights", "procedural:taesd-tiny", "--case", no_input}, "neither 'in.image'"},
        {{"taesd", "--weights", "procedural:taesd-tiny", "--case", other_shape}, "[1, 2, 12, 5]"},
        {{"taesd", "--weights", "procedural:none", "--case", golden}, "no procedural model"},
        {{"taesd", "--weights", "procedural:sd1-tiny", "--case", golden}, "holds no TAESD"},
        {{"clip", "--weights", "procedural:sd1-tiny", "--case", golden}, "holds no text encoder"},
        {{"taesd", "--weights", "procedural:taesd-tiny", "--case", folder.path / "absent"}, "absent"},
        {{"unet", "--weights", "procedural:sd2-tiny", "--case", GOLDEN "/cases/unet.sd1-tiny.b.safetensors"},
         "'in.context' as f32 [2, 77, 32]; [2, any, 64] is wanted there"},
    };
    for (auto const& [arguments, part] : cases) {
        auto all = arguments;
        all.insert(all.end(), {"--output", out});
        ended const e = run(all);
        EXPECT_EQ(e.code, 1) << part;
        EXPECT_TRUE(mentions(e.err, part)) << e.err;
        EXPECT_EQ(std::ranges::count(e.err, '\n'), 1) << e.err;
        EXPECT_FALSE(std::filesystem::exists(out));
    }
}
