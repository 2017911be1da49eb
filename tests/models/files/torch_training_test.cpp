// What training programs save beside a network, around it, or instead of it; and networks as whole Python objects. Of
// the objects nothing is run: the class's name is only a name.
#include "models/library/open_checkpoint.h"
#include "models/library/procedural.h"
#include "tests/models/files/torch_file.h"

using namespace sfumato;

namespace {

// Writes an object of a class, its attributes given by `attributes`.
template <class Attributes> void put_object(pickle_writer& p, std::string_view module, std::string_view name,
                                            Attributes attributes) {
    p.global(module, name);
    p.bytes += ")\x81}("; // made without arguments, NEWOBJ; a dictionary of attributes
    attributes();
    p.bytes += "ub"; // BUILD
}

// A torch.nn.Module for `names` of `model`, those up to the first dot being networks within it.
void put_module(pickle_writer& p, checkpoint const& model, std::string const& prefix,
                std::map<std::string, std::string>& storages) {
    std::map<std::string, bool> children; // name → it is a network
    for (auto const& [name, tensor] : model.tensors)
        if (name.starts_with(prefix)) {
            std::string const rest = name.substr(prefix.size());
            children[rest.substr(0, rest.find('.'))] |= rest.find('.') != rest.npos;
        }
    auto const put = [&](std::string_view attribute, bool networks) {
        p.text(attribute);
        p.begin_dict();
        for (auto const& [child, is_network] : children) {
            if (is_network != networks) continue;
            p.text(child);
            if (is_network) {
                put_module(p, model, prefix + child + ".", storages);
                continue;
            }
            auto const& tensor = model.at(prefix + child);
            std::vector<std::byte> scratch;
            auto const bytes = tensor.read(scratch);
            std::string const key = std::to_string(storages.size());
            storages[key] = {reinterpret_cast<char const*>(bytes.data()), bytes.size()};
            p.tensor("HalfStorage", key, std::int64_t(tensor.count()), 0, tensor.shape, contiguous(tensor.shape));
        }
        p.end_dict();
    };
    put_object(p, "my.network", "Network", [&] {
        p.text("training");
        p.bytes += "\x89";
        put("_parameters", false);
        put("_modules", true);
    });
}

struct torch_training : testing::Test {
    scratch_folder folder;
    checkpoint const whole = procedural_checkpoint("srvgg-x4-tiny"), other = procedural_checkpoint("srvgg-x1-tiny");

    checkpoint opened(std::string_view bytes) const { return open_checkpoint(folder.put("m.pth", bytes)); }
    std::string told(std::string_view bytes) const {
        return error_of([&] { opened(bytes); });
    }
};

TEST_F(torch_training, a_network_as_a_whole_object) {
    std::map<std::string, std::string> storages;
    pickle_writer alone;
    put_module(alone, whole, "", storages);
    alone.stop();
    expect_equal(opened(torch_file(alone.bytes, storages)), whole);

    storages.clear();
    pickle_writer beside; // {"model": …, "epoch": 3}
    beside.bytes += "}(";
    beside.text("model");
    put_module(beside, whole, "", storages);
    beside.text("epoch");
    beside.number(3);
    beside.bytes += "u";
    beside.stop();
    expect_equal(opened(torch_file(beside.bytes, storages)), whole);
}

TEST_F(torch_training, an_object_that_holds_no_tensors) {
    pickle_writer p;
    put_object(p, "os", "system", [&] {
        p.text("weights");
        p.number(1);
    });
    p.stop();
    EXPECT_EQ(told(torch_file(p.bytes, {})),
              "'" + (folder / "m.pth") +
                  "' holds a Python object (of class \"os.system\"), and not tensors by their names: get the model's "
                  "weights (a state_dict, .pth or .safetensors) instead.");
}

// An object that is its own attribute.
TEST_F(torch_training, an_object_in_itself) {
    pickle_writer p;
    p.global("my", "Network");
    p.bytes += ")\x81q\x01}(";
    p.text("_modules");
    p.bytes += "}(";
    p.text("again");
    p.bytes += "h\x01uub.";
    EXPECT_NE(told(torch_file(p.bytes, {})).find("my.Network"), std::string::npos);
}

TEST_F(torch_training, the_generator_of_two_networks) {
    for (auto const& [generator, others] :
         {std::pair("generator", std::vector{"discriminator"}), std::pair("netG", std::vector{"netD"}),
          std::pair("net_g", std::vector{"net_d"}), std::pair("g_ema", std::vector{"d", "g"}),
          std::pair("generator_ema", std::vector{"generator", "discriminator"}),
          std::pair("params_ema", std::vector{"params", "optimizer", "discriminator"})}) {
        std::map<std::string, checkpoint const*> parts{{generator, &whole}};
        for (char const* name : others) parts[name] = &other;
        expect_equal(opened(torch_file_of(parts)), whole);
        expect_equal(opened(old_torch_file_of(parts)), whole);
    }
}

TEST_F(torch_training, the_state_of_a_training_without_its_network) {
    pickle_writer p;
    p.bytes += "}(";
    p.text("epoch");
    p.number(3);
    p.text("optimizers");
    p.bytes += "](}(";
    p.text("lr");
    p.number(1);
    p.bytes += "ueu";
    p.stop();
    EXPECT_EQ(told(torch_file(p.bytes, {})), "'" + (folder / "m.pth") +
                                                 "' holds the state of a training (its optimizer) and not the network: "
                                                 "choose the file that the training saved beside it.");
}

} // namespace
