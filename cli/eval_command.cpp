#include "cli/commands.h"
#include "compute/device.h"
#include "models/eval/networks.h"

#include <cstdio>
#include <format>

namespace sfumato {

namespace {

// The value of an option that the command cannot do without.
std::string needed(options const& given, std::string_view name) {
    if (!given.has(name)) throw usage_error(std::format("eval {} needs {}", given.files.front(), name));
    return given.value(name);
}

dtype type_of(std::string const& name) {
    if (name == "fp32") return dtype::f32;
    if (name == "fp16") return dtype::f16;
    if (name == "bf16") return dtype::bf16;
    throw usage_error(std::format("--dtype must be fp32, fp16 or bf16, not \"{}\"", name));
}

int eval_network(options const& given) {
    std::string const weights = needed(given, "--weights"), in = needed(given, "--case"),
                      out = needed(given, "--output");
    eval_options const how{.type = type_of(given.value("--dtype", "fp32")), .taps = given.has("--taps")};
    network_case const c = read_case(in);
    bool const taesd = given.files.front() == "taesd";
    auto const file = std::make_shared<checkpoint const>(taesd ? open_taesd(weights) : open_checkpoint(weights));
    device d(given.value("--device"));
    auto const results = eval_network(given.files.front(), d, file, c, how);
    write_case(out, results);
    std::printf("%s: %zu tensors\n", out.c_str(), results.size());
    return exit_code::ok;
}

int eval(options const& given) {
    if (given.files.size() != 1) throw usage_error("eval takes exactly one name of what to run");
    std::string const& what = given.files.front();
    if (is_network(what)) return eval_network(given);
    throw usage_error(std::format("eval runs clip, unet, vae or taesd, not \"{}\"", what));
}

} // namespace

command const eval_command{
    .name = "eval",
    .summary = "run one network on given numbers, to compare with a reference",
    .help = "Usage: sfumato eval NET --weights MODEL --case CASE --output OUT [OPTION…]\n\n"
            "Runs one network (clip, unet, vae, taesd) on the tensors in.* of the safetensors file CASE and writes "
            "out.* to\n"
            "OUT, in torch's order of dimensions. The network's sizes are those in the metadata \"config\" of CASE.\n\n"
            "  --weights MODEL  a model's file or folder, or procedural:NAME (sd1-tiny, sd15 …)\n"
            "  --dtype TYPE     fp32 (default), fp16 or bf16: how weights and intermediate results are stored\n"
            "  --taps           write intermediate results, too, as tap.*\n"
            "  --device NAME    the GPU: its number in `sfumato devices`, or a part of its name\n",
    .run = eval,
    .with_value = {"--weights", "--case", "--output", "--dtype", "--device"},
    .flags = {"--taps"},
};

} // namespace sfumato
