// Models that stay open, their files that do not stay as they were, and the room that one makes for another.
#include "models/files/safetensors_write.h"
#include "models/library/procedural.h"
#include "models/pipelines/diffusion/diffusion_model.h"
#include "models/pipelines/fill/inpaint.h"
#include "models/pipelines/upscale/upscale_model.h"
#include "tests/kernels/kernel_test.h"
#include "tests/scratch_folder.h"

#include <fstream>
#include <gtest/gtest.h>

using namespace sfumato;
namespace fs = std::filesystem;

namespace {

struct shelf_test : testing::Test {
    scratch_folder folder;
    std::string const file = put("m.safetensors", "srvgg-x4-tiny");
    shelf models;

    std::string put(std::string const& name, std::string const& model) const {
        std::string const path = folder.put(name, "");
        write_safetensors(path, procedural_checkpoint(model).tensors);
        return path;
    }
    upscale_model* open(std::string const& source) { return &models.open<upscale_model>({source, {}}); }
    // Something of it is on the device.
    static void load(upscale_model& model, std::string const& matrix = "body.0.weight") {
        graph g(test_device().target());
        model.weights().conv2d(g, matrix);
        ASSERT_TRUE(model.weights().load(test_device()));
        EXPECT_TRUE(is_loaded(model));
    }
    static bool is_loaded(upscale_model const& model) { return model.slot().bytes(test_device()) > 0; }
};

TEST_F(shelf_test, the_same_file_is_opened_once) {
    auto* const first = open(file);
    EXPECT_EQ(open(file), first);
    EXPECT_NE(&models.open<upscale_model>({file, dtype::f16}), first);
    EXPECT_EQ(open(file), first); // both stay
}

TEST_F(shelf_test, a_file_that_was_replaced_is_opened_anew) {
    open(file);
    fs::rename(put("new.safetensors", "rrdbnet-x1-tiny"), file);
    EXPECT_EQ(open(file)->shape().scale, 1);
}

TEST_F(shelf_test, a_file_that_was_changed_is_opened_anew) {
    load(*open(file));
    fs::last_write_time(file, fs::last_write_time(file) + std::chrono::milliseconds(1));
    EXPECT_FALSE(is_loaded(*open(file)));
}

TEST_F(shelf_test, a_file_that_is_gone_is_told_of) {
    open(file);
    fs::remove(file);
    EXPECT_THROW(open(file), error);
}

TEST_F(shelf_test, models_without_a_file_stay) {
    for (char const* name : {"procedural:srvgg-x4-tiny", "sfumato:upscale-x2"}) {
        auto* const first = open(name);
        EXPECT_EQ(open(name), first) << name;
    }
}

TEST_F(shelf_test, the_one_that_was_asked_for_longest_ago_goes) {
    char const* const names[] = {"procedural:srvgg-x4-tiny", "procedural:srvgg-x1-tiny", "procedural:rrdbnet-x4-tiny",
                                 "procedural:rrdbnet-x2-tiny"};
    auto const is_kept = [&](char const* name) { return is_loaded(*open(name)); };
    for (std::size_t i = 0; i < shelf::most; ++i) load(*open(names[i]), i < 2 ? "body.0.weight" : "conv_first.weight");
    EXPECT_TRUE(is_kept(names[0])); // asked for anew
    open(names[shelf::most]);       // one too many
    EXPECT_TRUE(is_kept(names[0]));
    EXPECT_FALSE(is_kept(names[1]));
}

// A plan counts what an idle model holds as free, whatever it is for, and its turn makes the room.
TEST_F(shelf_test, one_model_makes_room_for_another) {
    device& d = test_device();
    auto& upscaler = models.open<upscale_model>({"procedural:srvgg-x4-tiny", {}});
    load(upscaler);
    auto& diffusion = models.open<diffusion_model>({.source = "procedural:sd1-tiny"});
    weight_store& encoder = diffusion.weights({role::vae_encoder});
    graph g(d.target());
    encoder.conv2d(g, "first_stage_model.encoder.conv_in.weight");
    ASSERT_TRUE(encoder.load(d));
    std::uint64_t const there = upscaler.slot().bytes(d), used = d.memory_used();
    setenv("SFUMATO_BUDGET", std::to_string(used + 1000).c_str(), 1);
    EXPECT_EQ(diffusion.available(d), 1000 + there + encoder.loaded_bytes(d));

    weight_slot const& own = diffusion.slot({role::vae_encoder});
    diffusion.make_room(d, 1000 + encoder.loaded_bytes(d), own);
    EXPECT_EQ(upscaler.slot().bytes(d), there) << "there was enough";
    diffusion.make_room(d, 1001 + encoder.loaded_bytes(d), own);
    EXPECT_EQ(upscaler.slot().bytes(d), 0u);
    EXPECT_GT(own.bytes(d), 0u);
    EXPECT_EQ(d.memory_used(), used - there);
    unsetenv("SFUMATO_BUDGET");
}

// A fill has no weights, and lets idle ones go where it needs their room.
TEST_F(shelf_test, a_fill_makes_room_for_itself) {
    device& d = test_device();
    auto& upscaler = models.open<upscale_model>({"procedural:srvgg-x4-tiny", {}});
    load(upscaler);
    picture p(64, 64);
    std::ranges::fill(p.pixels, 1.f);
    mask m(64, 64);
    m.values[32 * 64 + 32] = 1;
    request const r{.seed = 1};
    run_plan const needs = plan_of_inpaint(d, models, r, p, m);
    std::uint64_t const there = upscaler.slot().bytes(d);
    setenv("SFUMATO_BUDGET", std::to_string(d.memory_used() - there + needs.needed).c_str(), 1);
    EXPECT_EQ(plan_of_inpaint(d, models, r, p, m).available, needs.needed);
    EXPECT_TRUE(inpaint(d, models, r, p, m, {}));
    EXPECT_EQ(upscaler.slot().bytes(d), 0u);
    unsetenv("SFUMATO_BUDGET");
}

} // namespace
