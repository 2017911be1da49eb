// Every network beside the reference implementation: all outputs and intermediate results of the cases in
// tests/golden/cases, with the same procedural weights. Tolerances: tests/golden/cases/README.md.
#include "models/eval/networks.h"
#include "models/library/open_checkpoint.h"
#include "models/library/procedural.h"
#include "tests/kernels/kernel_test.h"

#include <cstdio>
#include <filesystem>

namespace sfumato {
namespace {

// Mean squared error, by the reference's variance.
double nmse_of(case_tensor const& got, case_tensor const& wanted) {
    if (got.shape != wanted.shape) return std::nan("");
    double sum = 0, squares = 0, error = 0;
    for (std::size_t i = 0; i < wanted.values.size(); ++i) {
        double const w = wanted.values[i], d = got.values[i] - w;
        sum += w, squares += w * w, error += d * d;
    }
    double const count = double(wanted.values.size()), mean = sum / count;
    return error / count / (squares / count - mean * mean);
}

struct storage {
    dtype type;
    char const* name;
    double limit;
};
// bf16 differs from fp16 in loads and stores alone, which are the same on every matrix path.
std::vector<storage> storages() {
    std::vector<storage> all{{dtype::f32, "fp32", 1e-9}, {dtype::f16, "fp16", 2e-5}};
    if (test_device().target().matrix == matrix_path::software) all.push_back({dtype::bf16, "bf16", 2e-3});
    return all;
}

struct parity : testing::TestWithParam<std::string> {};

TEST_P(parity, with_the_reference) {
    std::string const name = GetParam(), kind = name.substr(0, name.find('.')), rest = name.substr(kind.size() + 1);
    network_case const c = read_case(GOLDEN "/cases/" + name + ".safetensors");
    auto const file =
        std::make_shared<checkpoint const>(open_checkpoint("procedural:" + rest.substr(0, rest.find('.'))));
    for (storage const& s : storages()) {
        auto const got = eval_network(kind, test_device(), file, c, {.type = s.type, .taps = true});
        double worst = 0, outputs = 0;
        std::string worst_name;
        for (auto const& [tensor, wanted] : c.tensors) {
            if (tensor.starts_with("in.")) continue;
            ASSERT_TRUE(got.contains(tensor)) << tensor;
            double const error = nmse_of(got.at(tensor), wanted);
            EXPECT_LE(error, s.limit) << s.name << " " << tensor;
            if (tensor.starts_with("out.")) outputs = std::max(outputs, error);
            if (!(error <= worst)) worst = error, worst_name = tensor;
        }
        std::printf("%-28s %s: outputs %.1e, worst %.1e (%s)\n", name.c_str(), s.name, outputs, worst,
                    worst_name.c_str());
    }
}

// Those for which there are networks and procedural models.
std::vector<std::string> cases() {
    std::vector<std::string> names;
    for (auto const& entry : std::filesystem::directory_iterator(GOLDEN "/cases"))
        if (entry.path().extension() == ".safetensors") names.push_back(entry.path().stem());
    std::ranges::sort(names);
    return names;
}
INSTANTIATE_TEST_SUITE_P(networks, parity, testing::ValuesIn(cases()), [](auto const& info) {
    std::string name = info.param;
    std::ranges::replace_if(name, [](char c) { return c == '.' || c == '-'; }, '_');
    return name;
});

} // namespace
} // namespace sfumato
