// One key of a .yaml; everything else in it, however odd, says nothing.
#include "models/files/training_yaml.h"

#include <gtest/gtest.h>

using namespace sfumato;

namespace {

using found = std::optional<std::string>;

TEST(training_yaml, the_key_as_it_is_written) {
    for (char const* yaml :
         {"model:\n  params:\n    parameterization: \"v\"\n", "model:\n params:\n  parameterization: v",
          "# comment\n\nmodel:\r\n  base_learning_rate: 1.0e-4\r\n  target: ldm.X\r\n  params:\r\n"
          "    parameterization: 'v'   # not eps\r\n    linear_start: 0.00085\r\n",
          "other:\n  params:\n    parameterization: eps\nmodel:\n    params:\n        unet_config:\n"
          "            params:\n                parameterization: eps\n        parameterization: v\n",
          "\"model\":\n  'params':\n    parameterization : v\n"})
        EXPECT_EQ(parameterization_in(yaml), found("v")) << yaml;
    EXPECT_EQ(parameterization_in("model:\n  params:\n    parameterization: eps\n"), found("eps"));
}

TEST(training_yaml, the_same_word_elsewhere) {
    for (std::string const& yaml : std::vector<std::string>{
             "", "\n", ":", "#", "model", "model:", "parameterization: v", "params:\n  parameterization: v\n",
             "model:\n  parameterization: v\n", "model:\nparams:\n  parameterization: v\n",
             "model:\n  params:\n  parameterization: v\n",
             "model:\n  params:\n    unet_config:\n      parameterization: v\n",
             "model:\n  params: {parameterization: v}\n", "model: x\n  params:\n    parameterization: v\n",
             "model:\n  params:\n    # parameterization: v\n", "model:\n  params:\n    parameterization:\n",
             "model:\n  params:\n    parameterization: " + std::string(1000, 'v') + "\n",
             "model:\n  params:\n    x: 1\n  y: 2\n    parameterization: v\n"})
        EXPECT_EQ(parameterization_in(yaml), found()) << yaml;
}

TEST(training_yaml, long_and_binary_texts_are_read_to_their_end) {
    std::string deep;
    for (int i = 0; i < 2000; ++i) deep += std::string(std::size_t(i), ' ') + "model:\n";
    EXPECT_EQ(parameterization_in(deep), found());
    std::string bytes;
    for (int i = 0; i < 100'000; ++i) bytes += char(i * i * 31 + i);
    EXPECT_EQ(parameterization_in(bytes), found());
}

} // namespace
