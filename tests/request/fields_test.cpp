// What must hold for every row of the table, without naming any.
#include "request/fields.h"
#include "request/json.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <set>

using namespace sfumato;
using nlohmann::json;

namespace {

constexpr operation all_operations[] = {operation::inpaint, operation::txt2img, operation::img2img, operation::upscale};

json request_with(operation o, field const& f, json const& value) {
    request r{.operation = o};
    if (f.of_diffusion && f.key != "model") r.diffusion.model = "m"; // else an inpaint has no use for it
    json object = request_to_json(r);
    object[f.key] = value;
    return object;
}

// Values that the field takes, and values that it refuses.
struct examples {
    std::vector<json> right, wrong;
};
struct examples_of {
    examples operator()(free_text const&) const {
        return {{"", "ü", std::string(free_text::longest, 'x')},
                {1, nullptr, std::string(free_text::longest + 1, 'x')}};
    }
    examples operator()(whole_number const& n) const {
        examples e{{n.least, n.most}, {n.least - 1, 0.5, "1", nullptr}};
        if (n.most < INT64_MAX) e.wrong.push_back(n.most + 1);
        if (n.multiple_of > 1) e.right.push_back(n.smallest), e.wrong.push_back(n.smallest + 1);
        return e;
    }
    examples operator()(real_number const& n) const {
        return {{n.least, n.most, (n.least + n.most) / 2}, {n.least - 0.001, n.most + 0.001, "1", nullptr}};
    }
    examples operator()(truth const&) const { return {{true, false}, {0, "true", nullptr}}; }
    examples operator()(choice const& c) const {
        auto const names = c.names();
        return {std::vector<json>(names.begin(), names.end()), {"no such name", "", 0, nullptr}};
    }
    examples operator()(lora_list const&) const {
        auto const list = [](std::vector<json> const& of) { return json(of); };
        json const one{{"file", "x"}, {"weight", -0.5}},
            all = {{"file", "ü"}, {"weight", 1.0}, {"text_weight", 0.0}, {"sha256", std::string(64, 'a')}};
        auto const without = [&](char const* key, json const& value) {
            json other = one;
            value.is_null() ? void(other.erase(key)) : void(other[key] = value);
            return list({other});
        };
        return {{list({}), list({one}), list({one, all})},
                {nullptr, one, list({1}), without("file", nullptr), without("file", ""), without("file", 1),
                 without("weight", "1"), without("weight", 101), without("text_weight", -101), without("sha256", "a"),
                 list(std::vector<json>(65, one))}};
    }
    examples operator()(place const&) const {
        json const area{{"x", -1}, {"y", 2}, {"width", 3}, {"height", 4}};
        json less = area;
        less.erase("y");
        return {{area}, {less, 3, nullptr}};
    }
};

TEST(fields, keys_and_options_are_unique_within_an_operation) {
    for (operation o : all_operations) {
        std::set<std::string_view> keys, options;
        for (field const* f : fields_of(o)) {
            EXPECT_TRUE(keys.insert(f->key).second) << f->key;
            EXPECT_EQ(find_field(o, f->key), f);
            if (f->option.empty()) continue;
            EXPECT_TRUE(options.insert(f->option_name()).second) << f->option;
            EXPECT_TRUE(f->option.starts_with("--")) << f->option;
            EXPECT_EQ(f->option.find(' ') == f->option.npos, std::holds_alternative<truth>(f->type)) << f->option;
            EXPECT_FALSE(f->help.empty()) << f->key;
        }
    }
    EXPECT_EQ(find_field(operation::upscale, "prompt"), nullptr);
}

TEST(fields, read_what_they_write_and_refuse_the_rest) {
    for (operation o : all_operations)
        for (field const* f : fields_of(o)) {
            auto const [right, wrong] = std::visit(examples_of(), f->type);
            for (json const& value : right) {
                if (f->key == "operation") continue; // the other fields are that operation's own
                std::vector<std::string> unknown;
                request const r = request_from_json(request_with(o, *f, value), &unknown);
                EXPECT_TRUE(unknown.empty()) << f->key;
                json const written = request_to_json(r);
                bool const is_default = f->get(r) == f->get(request());
                EXPECT_EQ(written.contains(f->key), !f->quiet || !is_default) << f->key;
                if (written.contains(f->key)) {
                    EXPECT_EQ(written[f->key], value) << f->key;
                }
            }
            for (json const& value : wrong) try {
                    request_from_json(request_with(o, *f, value));
                    ADD_FAILURE() << f->key << " takes " << json_show(value);
                } catch (error const& e) {
                    EXPECT_TRUE(std::string(e.what()).starts_with("The request's \"" + std::string(f->key)))
                        << e.what();
                }
        }
}

} // namespace
