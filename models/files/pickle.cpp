#include "models/files/pickle.h"

#include "models/files/pickle_machine.h"

namespace sfumato {

using namespace pickling;

namespace {

std::string_view class_of(opaque const& object) {
    auto const made_by = object.made_by ? as<global>(object.made_by) : nullptr;
    return made_by ? std::string_view(made_by->name) : "";
}

// Each dictionary once: they may contain one another.
struct collector {
    pickled& all;
    std::string const& source;
    std::set<ref> seen = {};

    void limit(std::size_t count) const {
        if (count >= most_names) fail("'{}' is damaged: its pickle holds more than any model does.", source);
    }

    void collect(ref v, std::string const& path, int depth) {
        auto const dict = as<dictionary>(v);
        auto const yes = as<bool>(v);
        limit(all.tensors.size() + all.others.size());
        if (auto const tensor = as<pickled_tensor>(v))
            all.tensors.emplace(path, *tensor);
        else if (!dict && !as<nothing>(v) && (!yes || *yes) && path.size() <= longest_other)
            all.others.insert(path);
        auto const object = as<opaque>(v);
        if ((!dict && !object) || depth == deepest || !seen.insert(v).second) return;
        if (dict) collect_items(*dict, path, depth);
        if (object) collect_module(*object, path, depth);
    }

    void collect_items(dictionary const& dict, std::string const& path, int depth) {
        for (auto const& [key, item] : dict.items)
            if (auto const name = as<std::string>(key); name && path.size() + name->size() <= longest_name)
                collect(item, path.empty() ? *name : path + "." + *name, depth + 1);
    }

    // torch.nn.Module keeps what it has in three dictionaries among its attributes; each is its own. A module of
    // TorchScript has all of it as attributes.
    void collect_module(opaque const& object, std::string const& path, int depth) {
        if (all.object.empty()) all.object = class_of(object);
        auto const state = object.state ? as<dictionary>(object.state) : nullptr;
        if (!state || !seen.insert(object.state).second) return;
        if (class_of(object).starts_with("__torch__.")) return collect_items(*state, path, depth);
        for (auto const& [key, item] : state->items) {
            auto const name = as<std::string>(key);
            bool const is_part = name && (*name == "_parameters" || *name == "_buffers" || *name == "_modules");
            auto const inside = is_part ? as<dictionary>(item) : nullptr;
            if (inside && seen.insert(item).second) collect_items(*inside, path, depth);
        }
    }
};

} // namespace

pickled read_pickle(std::span<std::byte const> bytes, std::string const& source) {
    if (bytes.size() > longest_pickle)
        fail("'{}' has a pickle of {} bytes, more than any model.", source, bytes.size());
    machine m(bytes, source);
    ref const whole = m.run();
    pickled all{.storages = std::move(m.storages), .bytes = bytes.size() - m.rest()};
    collector names{all, source};
    names.collect(whole, "", 0);
    if (auto const list = as<sequence>(whole))
        for (ref item : list->items)
            if (auto const text = as<std::string>(item); text && text->size() <= longest_name) {
                names.limit(all.texts.size());
                all.texts.push_back(*text);
            }
    return all;
}

} // namespace sfumato
