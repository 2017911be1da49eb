#include "cli/commands.h"
#include "cli/help.h"
#include "compute/device.h"
#include "compute/error.h"
#include "models/eval/eval_sampler.h"
#include "models/eval/eval_tokenizer.h"
#include "models/eval/networks.h"
#include "models/eval/pipeline.h"
#include "models/files/safetensors.h"
#include "models/files/safetensors_write.h"
#include "models/library/joined.h"
#include "models/library/open_checkpoint.h"
#include "request/json.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <format>
#include <fstream>
#include <nlohmann/json.hpp>

namespace sfumato {

namespace {

// The value of an option that the command cannot do without.
std::string needed(options const& given, std::string_view name) {
    if (!given.has(name)) throw usage_error(std::format("eval {} needs {}", given.files.front(), name));
    return given.value(name);
}

dtype type_of(options const& given) { return given.precision().value_or(dtype::f32); }

void run_network(options const& given) {
    std::string const weights = needed(given, "--weights"), &net = given.files.front();
    eval_options const how{.type = type_of(given), .taps = given.has("--taps")};
    network_case const c = read_case(needed(given, "--case"));
    auto const file =
        std::make_shared<checkpoint const>(net == "taesd" ? open_taesd(weights) : open_checkpoint(weights));
    device d(given.value("--device"));
    write_case(needed(given, "--output"), eval_network(net, d, file, c, how));
}

void run_pipeline(options const& given) {
    std::string const weights = needed(given, "--weights");
    dtype const type = type_of(given);
    network_case const c = read_case(needed(given, "--case"));
    device d(given.value("--device"));
    write_case(needed(given, "--output"), eval_pipeline(d, weights, c, type));
}

// Integers stay integers, and what the host computes in double comes as double.
stored_tensor stored(eval_tensor const& t) {
    stored_tensor s{.type = t.whole ? stored_type::i64 : stored_type::f64, .shape = t.shape};
    s.make = [&t](std::span<std::byte> bytes) {
        for (std::size_t i = 0; i < t.values.size(); ++i) {
            auto const whole = std::int64_t(t.values[i]);
            std::memcpy(&bytes[i * 8], t.whole ? static_cast<void const*>(&whole) : &t.values[i], 8);
        }
    };
    return s;
}

void run_sampler(options const& given) {
    std::string const in = needed(given, "--case"), out = needed(given, "--output");
    checkpoint const c = read_safetensors(map_file(in), in);
    device d(given.value("--device"));
    auto const results = eval_sampler(c, &d);
    std::map<std::string, stored_tensor, std::less<>> all;
    for (eval_tensor const& t : results) all.emplace(t.name, stored(t));
    write_safetensors(out, all);
}

void run_tokenizer(options const& given) {
    std::string const in = needed(given, "--case"), out = needed(given, "--output");
    mapped_file const file = map_file(in);
    std::string_view const text(reinterpret_cast<char const*>(file.bytes.data()), file.bytes.size());
    std::ofstream written(out, std::ios::binary);
    written << json_line(eval_tokenizer(json_parse(text, "The case '" + in + "'"))) << '\n';
    if (!written.flush()) fail("'{}' cannot be written: {}.", out, std::strerror(errno));
}

int eval(options const& given) {
    if (given.files.size() != 1) throw usage_error("eval takes exactly one name of what to run");
    std::string const& what = given.files.front();
    if (is_network(what))
        run_network(given);
    else if (what == "pipeline")
        run_pipeline(given);
    else if (what == "sampler")
        run_sampler(given);
    else if (what == "tokenizer")
        run_tokenizer(given);
    else
        throw usage_error(std::format("eval runs clip, t5, unet, mmdit, vae, taesd, lama, migan, upscaler, pipeline, "
                                      "sampler or tokenizer, not \"{}\"",
                                      what));
    return exit_code::ok;
}

std::string const help = help_text(
    {.example = "sfumato eval unet --weights procedural:sd1-tiny --case unet.safetensors --output out.safetensors",
     .usage = "sfumato eval NET --weights MODEL --case CASE --output OUT [OPTION…]\n"
              "       sfumato eval pipeline --weights MODEL --case CASE --output OUT [OPTION…]\n"
              "       sfumato eval sampler --case CASE --output OUT [--device NAME]\n"
              "       sfumato eval tokenizer --case JSON --output JSON",
     .about =
         "Runs one network (clip, t5, unet, mmdit, vae, taesd, lama, migan, upscaler) on the tensors in.* of the "
         "safetensors "
         "file CASE "
         "and "
         "writes out.* to OUT, in torch's order of dimensions. A pipeline is a whole run whose random numbers are "
         "in.random.* of CASE; a sampler runs with a network that has a closed form; the tokenizer makes a list of "
         "ids of each text.",
     .options = {{"--weights MODEL", "a model's file or folder, or procedural:NAME (sd1-tiny, sd15 …)"},
                 {"--dtype TYPE", "fp32 (default), fp16 or bf16: how weights and intermediate results are stored"},
                 {"--taps", "of a network: write intermediate results, too, as tap.*"},
                 device_help}});

} // namespace

command const eval_command{
    .name = "eval",
    .summary = "run a part of a model on given numbers, to compare with a reference",
    .help = help,
    .run = eval,
    .with_value = {"--weights", "--case", "--output", "--dtype", "--device"},
    .flags = {"--taps"},
};

} // namespace sfumato
