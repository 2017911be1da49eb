// A model that stays open, and its file that does not stay as it was.
#include "models/pipelines/upscale_model.h"
#include "models/weights/procedural.h"
#include "models/weights/safetensors.h"
#include "tests/scratch_folder.h"

#include <fstream>
#include <gtest/gtest.h>

using namespace sfumato;
namespace fs = std::filesystem;

namespace {

struct warm_test : testing::Test {
    scratch_folder folder;
    std::string const file = put("m.safetensors", "srvgg-x4-tiny");
    open_upscalers models;

    std::string put(std::string const& name, std::string const& model) const {
        std::string const path = folder.put(name, "");
        write_safetensors(path, procedural_checkpoint(model).tensors);
        return path;
    }
    // What is kept must not be where the next one may be made.
    std::shared_ptr<upscale_model> open() {
        models.open({file, {}});
        return models.last;
    }
};

TEST_F(warm_test, the_same_file_is_opened_once) {
    auto const first = open();
    EXPECT_EQ(open(), first);
    models.open({file, dtype::f16});
    EXPECT_NE(models.last, first);
}

TEST_F(warm_test, a_file_that_was_replaced_is_opened_anew) {
    auto const first = open();
    fs::rename(put("new.safetensors", "rrdbnet-x1-tiny"), file);
    EXPECT_NE(open(), first);
    EXPECT_EQ(models.last->shape().scale, 1);
}

TEST_F(warm_test, a_file_that_was_changed_is_opened_anew) {
    auto const first = open();
    fs::last_write_time(file, fs::last_write_time(file) + std::chrono::milliseconds(1));
    EXPECT_NE(open(), first);
}

TEST_F(warm_test, a_file_that_is_gone_is_told_of) {
    open();
    fs::remove(file);
    EXPECT_THROW(open(), error);
}

TEST_F(warm_test, models_without_a_file_stay) {
    for (char const* name : {"procedural:srvgg-x4-tiny", "sfumato:upscale-x2"}) {
        auto const first = (models.open({name, {}}), models.last);
        models.open({name, {}});
        EXPECT_EQ(models.last, first) << name;
    }
}

} // namespace
