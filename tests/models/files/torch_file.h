// Writes PyTorch's files byte by byte: the pickle's instructions and the zip archive around them.
#pragma once

#include "tests/models/files/scratch.h"

#include <map>

namespace sfumato {

struct pickle_writer {
    bool old = false;               // as before 1.6
    std::string bytes = "\x80\x02"; // PROTO 2

    void text(std::string_view s) { bytes += "X" + little(std::uint32_t(s.size())) + std::string(s); }
    void number(std::int64_t n) {
        if (n >= 0 && n < 256)
            bytes += "K" + little(std::uint8_t(n));
        else if (n == std::int32_t(n))
            bytes += "J" + little(std::int32_t(n));
        else
            bytes += "\x8a\x08" + little(n);
    }
    void numbers(std::vector<std::int64_t> const& all) {
        bytes += "(";
        for (auto n : all) number(n);
        bytes += "t";
    }
    void global(std::string_view module, std::string_view name) { bytes += std::format("c{}\n{}\n", module, name); }
    void begin_dict() {
        global("collections", "OrderedDict");
        bytes += ")R("; // called without arguments; then its items
    }
    void end_dict() { bytes += "u"; }
    void storage(std::string_view type, std::string_view key, std::int64_t count) {
        bytes += "(";
        text("storage");
        global("torch", type);
        text(key);
        text("cpu");
        number(count);
        bytes += old ? "NtQ" : "tQ";
    }
    void tensor(std::string_view type, std::string_view key, std::int64_t count, std::int64_t offset,
                std::vector<std::int64_t> const& shape, std::vector<std::int64_t> const& strides) {
        global("torch._utils", "_rebuild_tensor_v2");
        bytes += "(";
        storage(type, key, count);
        number(offset);
        numbers(shape);
        numbers(strides);
        bytes += "\x89"; // False: requires_grad
        begin_dict();    // backward hooks
        bytes += "utR";
    }
    void stop() { bytes += "."; }
};

struct zip_writer {
    bool wide = false; // every number in the 64-bit fields
    std::string bytes, directory;
    std::uint64_t entries = 0;

    void add(std::string_view name, std::string_view content, std::uint16_t method = 0) {
        std::uint64_t const offset = bytes.size();
        // PyTorch pads so that the numbers are aligned to 64 bytes.
        std::string const padding((64 - (offset + 30 + name.size() + 4) % 64) % 64, 'Z');
        std::string const extra = "FB" + little(std::uint16_t(padding.size())) + padding;
        auto const size = std::uint32_t(content.size());
        bytes += "PK\3\4" + little(std::uint16_t(20)) + little(std::uint16_t(0)) + little(method) +
                 little(std::uint32_t(0)) + little(std::uint32_t(0)) + little(size) + little(size) +
                 little(std::uint16_t(name.size())) + little(std::uint16_t(extra.size())) + std::string(name) + extra;
        bytes += content;

        auto const narrow = [&](std::uint64_t n) { return little(wide ? 0xffffffffu : std::uint32_t(n)); };
        std::string const fields = little(std::uint64_t(size)) + little(std::uint64_t(size)) + little(offset);
        std::string const wide_extra =
            wide ? little(std::uint16_t(1)) + little(std::uint16_t(fields.size())) + fields : "";
        directory += "PK\1\2" + little(std::uint32_t(20)) + little(std::uint16_t(0)) + little(method) +
                     little(std::uint32_t(0)) + little(std::uint32_t(0)) + narrow(size) + narrow(size) +
                     little(std::uint16_t(name.size())) + little(std::uint16_t(wide_extra.size())) +
                     little(std::uint16_t(0)) + little(std::uint64_t(0)) + narrow(offset) + std::string(name) +
                     wide_extra;
        ++entries;
    }
    std::string finish() {
        std::uint64_t const offset = bytes.size();
        std::string all = bytes + directory;
        if (wide) {
            std::uint64_t const end = all.size();
            all += "PK\6\6" + little(std::uint64_t(44)) + little(std::uint32_t(0)) + little(std::uint64_t(0)) +
                   little(entries) + little(entries) + little(std::uint64_t(directory.size())) + little(offset);
            all += "PK\6\7" + little(std::uint32_t(0)) + little(end) + little(std::uint32_t(1));
        }
        auto const count = little(wide ? std::uint16_t(0xffff) : std::uint16_t(entries));
        return all + "PK\5\6" + little(std::uint32_t(0)) + count + count +
               little(wide ? 0xffffffffu : std::uint32_t(directory.size())) +
               little(wide ? 0xffffffffu : std::uint32_t(offset)) + little(std::uint16_t(0));
    }
};

/// An archive with this pickle and these storages.
inline std::string torch_file(std::string_view pickle, std::map<std::string, std::string> const& storages,
                              bool wide = false) {
    zip_writer zip{.wide = wide};
    zip.add("archive/data.pkl", pickle);
    zip.add("archive/byteorder", "little");
    for (auto const& [key, content] : storages) zip.add("archive/data/" + key, content);
    zip.add("archive/version", "3\n");
    return zip.finish();
}

inline std::vector<std::int64_t> contiguous(std::vector<std::int64_t> const& shape) {
    std::vector<std::int64_t> strides(shape.size(), 1);
    for (std::size_t i = shape.size(); i-- > 1;) strides[i - 1] = strides[i] * shape[i];
    return strides;
}

/// The pickle and the storages of models as training programs save them: {"epoch": 3, WRAPPER: {name: tensor, …}, …};
/// without a wrapper ("") the tensors lie beside the number.
inline std::map<std::string, std::string> put_models(pickle_writer& p,
                                                     std::map<std::string, checkpoint const*> const& models) {
    std::map<std::string, std::string> storages;
    std::vector<std::byte> scratch;
    p.bytes += "}(";
    p.text("epoch");
    p.number(3);
    for (auto const& [wrapper, model] : models) {
        if (!wrapper.empty()) {
            p.text(wrapper);
            p.begin_dict();
        }
        for (auto const& [name, tensor] : model->tensors) {
            std::string const key = std::to_string(storages.size());
            auto const bytes = tensor.read(scratch);
            storages[key] = {reinterpret_cast<char const*>(bytes.data()), bytes.size()};
            p.text(name);
            p.tensor("HalfStorage", key, std::int64_t(tensor.count()), 0, tensor.shape, contiguous(tensor.shape));
        }
        if (!wrapper.empty()) p.end_dict();
    }
    p.end_dict();
    p.stop();
    return storages;
}

inline std::string torch_file_of(std::map<std::string, checkpoint const*> const& models, bool wide = false) {
    pickle_writer p;
    auto const storages = put_models(p, models);
    return torch_file(p.bytes, storages, wide);
}

inline std::string torch_checkpoint_file(checkpoint const& model, bool wide = false) {
    return torch_file_of({{"state_dict", &model}}, wide);
}

/// A module of TorchScript with what of the model's tensors begins with `prefix`, up to the first dot being modules in
/// it. Classes have names that say nothing, and there is more among the attributes than tensors.
inline void put_script_module(pickle_writer& p, checkpoint const& model, std::string const& prefix,
                              std::map<std::string, std::string>& storages) {
    p.global("__torch__.any", "___torch_mangle_" + std::to_string(storages.size()));
    p.bytes += ")\x81}("; // NEWOBJ; a dictionary of attributes
    p.text("training");
    p.bytes += "\x89";
    p.text("_is_full_backward_hook");
    p.bytes += "N";
    p.text("padding");
    p.global("torch.jit._pickle", "build_intlist");
    p.bytes += "(](K\x01K\x01"
               "etR"; // \x01e is another byte
    std::string last;
    for (auto const& [name, tensor] : model.tensors) {
        if (!name.starts_with(prefix)) continue;
        std::string const child = name.substr(prefix.size(), name.find('.', prefix.size()) - prefix.size());
        if (child == last) continue;
        p.text(last = child);
        if (prefix + child != name) {
            put_script_module(p, model, prefix + child + ".", storages);
            continue;
        }
        std::vector<std::byte> scratch;
        auto const bytes = tensor.read(scratch);
        std::string const key = std::to_string(storages.size());
        storages[key] = {reinterpret_cast<char const*>(bytes.data()), bytes.size()};
        p.tensor("HalfStorage", key, std::int64_t(tensor.count()), 0, tensor.shape, contiguous(tensor.shape));
    }
    p.bytes += "ub"; // BUILD
}

inline std::string torch_script_file(checkpoint const& model) {
    pickle_writer p;
    std::map<std::string, std::string> storages;
    put_script_module(p, model, "", storages);
    p.stop();
    zip_writer zip;
    zip.add("archive/code/__torch__/any.py", "class any", 8); // compressed
    zip.add("archive/constants.pkl", "\x80\x02).");
    zip.add("archive/data.pkl", p.bytes);
    for (auto const& [key, content] : storages) zip.add("archive/data/" + key, content);
    return zip.finish();
}

/// As PyTorch wrote them before 1.6.
inline std::string old_torch_file_of(std::map<std::string, checkpoint const*> const& models,
                                     bool little_endian = true) {
    pickle_writer names{.old = true}, facts, keys;
    auto const storages = put_models(names, models);
    facts.bytes += "}(";
    facts.text("little_endian");
    facts.bytes += little_endian ? "\x88u." : "\x89u.";
    keys.bytes += "](";
    for (auto const& [key, content] : storages) keys.text(key);
    keys.bytes += "e.";
    std::string file = "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.\x80\x02M\xe9\x03." + facts.bytes +
                       names.bytes + keys.bytes;
    for (auto const& [key, content] : storages) file += little(std::int64_t(content.size() / 2)) + content;
    return file;
}

} // namespace sfumato
