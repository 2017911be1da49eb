#include "request/request.h"

#include "compute/error.h"
#include "request/fields.h"
#include "request/json.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <format>
#include <nlohmann/json.hpp>
#include <random>

namespace sfumato {

using nlohmann::json;

namespace {

using keys = std::vector<std::string>;

// ---- One field's value, from JSON

// What must stand there, as in "must be …".
struct rule_of {
    sentence operator()(free_text const&) const { return say("a text of at most {} bytes", free_text::longest); }
    sentence operator()(whole_number const& n) const {
        return n.least == n.most ? sentence(std::to_string(n.least))
                                 : say("a whole number from {} to {}", n.least, n.most);
    }
    sentence operator()(real_number const& n) const { return say("a number from {} to {}", n.least, n.most); }
    sentence operator()(truth const&) const { return say("true or false"); }
    sentence operator()(choice const& c) const { return one_of(c.names()); }
    sentence operator()(lora_list const&) const {
        return say("a list of at most {} objects, each with a \"file\", a \"weight\" from {} to {} and a \"sha256\" as "
                   "recipes have it",
                   lora_choice::most, -lora_choice::largest_weight, lora_choice::largest_weight);
    }
    sentence operator()(place const&) const { return say("an object with \"x\", \"y\", \"width\" and \"height\""); }
};

struct reader {
    field const& f;
    json const& value;
    keys* unknown;

    [[noreturn]] void refuse(sentence const& rule) const {
        throw request_error(std::string(f.key), rule, json_show(value));
    }
    void require(bool holds) const {
        if (!holds) refuse(std::visit(rule_of(), f.type));
    }

    field_value operator()(free_text const&) const {
        require(value.is_string() && value.get_ref<std::string const&>().size() <= free_text::longest);
        return value.get<std::string>();
    }
    field_value operator()(whole_number const& n) const {
        // An unsigned value beyond int64 would wrap around in get<int64>().
        require(value.is_number_integer() &&
                (!value.is_number_unsigned() || value.get<std::uint64_t>() <= std::uint64_t(INT64_MAX)));
        auto const number = value.get<std::int64_t>();
        require(number >= n.least && number <= n.most);
        if (number % n.multiple_of || (number && number < n.smallest))
            refuse(say("a multiple of {}, from {} on (0: {})", n.multiple_of, n.smallest, f.unset));
        return number;
    }
    field_value operator()(real_number const& n) const {
        require(value.is_number() && value.get<double>() >= n.least && value.get<double>() <= n.most);
        return value.get<double>();
    }
    field_value operator()(truth const&) const {
        require(value.is_boolean());
        return value.get<bool>();
    }
    field_value operator()(choice const&) const { // whether it is one of them, field::set() says
        require(value.is_string());
        return value.get<std::string>();
    }
    field_value operator()(place const&) const;
    field_value operator()(lora_list const&) const {
        require(value.is_array() && value.size() <= lora_choice::most);
        std::vector<lora_choice> all;
        for (json const& one : value) all.push_back(read_lora(one));
        return all;
    }

  private:
    static bool is_hash(std::string const& text) {
        return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == text.npos;
    }
    double read_weight(json const& number) const {
        require(number.is_number() && std::abs(number.get<double>()) <= lora_choice::largest_weight);
        return number.get<double>();
    }
    lora_choice read_lora(json const& object) const {
        require(object.is_object() && object.contains("file"));
        lora_choice lora;
        for (auto const& [key, member] : object.items()) {
            if (key == "file" || key == "sha256") {
                require(member.is_string());
                (key == "file" ? lora.file : lora.sha256) = member.get<std::string>();
            } else if (key == "weight")
                lora.weight = read_weight(member);
            else if (key == "text_weight")
                lora.text_weight = read_weight(member);
            else if (unknown)
                unknown->push_back(std::format("{}.{}", f.key, key));
        }
        require(!lora.file.empty() && lora.file.size() <= free_text::longest);
        require(lora.sha256.empty() || is_hash(lora.sha256));
        return lora;
    }
};

field_value read(field const& f, json const& value, keys* unknown) {
    return std::visit(reader{f, value, unknown}, f.type);
}

// The field's last word is its name in `object`: "width" of "area.width".
std::int64_t read_required(field const& f, json const& object) {
    auto const found = object.find(f.key.substr(f.key.find('.') + 1));
    if (found == object.end())
        fail("The request's \"{}\" must be {}, but is missing.", f.key, std::visit(rule_of(), f.type));
    return std::get<std::int64_t>(read(f, *found, nullptr));
}

constexpr int far = 1 << 24; // GIMP ends at 2¹⁹; x + width stays well inside an int
constexpr std::array sides{field{.key = "area.x", .type = whole_number{-far, far}},
                           field{.key = "area.y", .type = whole_number{-far, far}},
                           field{.key = "area.width", .type = whole_number{1, far}},
                           field{.key = "area.height", .type = whole_number{1, far}}};

field_value reader::operator()(place const&) const {
    require(value.is_object());
    std::array<int, 4> numbers{};
    std::ranges::transform(sides, numbers.begin(), [&](field const& side) { return int(read_required(side, value)); });
    for (auto const& [key, ignored] : value.items()) {
        std::string const whole = std::format("{}.{}", f.key, key);
        if (unknown && std::ranges::find(sides, whole, &field::key) == sides.end()) unknown->push_back(whole);
    }
    return rect{numbers[0], numbers[1], numbers[2], numbers[3]};
}

// ---- One field's value, to JSON

struct writer {
    json operator()(std::monostate) const { return nullptr; }
    json operator()(std::vector<lora_choice> const& loras) const {
        json list = json::array();
        for (lora_choice const& l : loras) {
            json& object = list.emplace_back(json{{"file", l.file}, {"weight", l.weight}});
            if (l.text_weight) object["text_weight"] = *l.text_weight;
            if (!l.sha256.empty()) object["sha256"] = l.sha256;
        }
        return list;
    }
    json operator()(rect const& r) const { return {{"x", r.x}, {"y", r.y}, {"width", r.width}, {"height", r.height}}; }
    json operator()(auto const& value) const { return value; }
};

constexpr field version_field{.key = "sfumato", .type = whole_number{1, request::version}};

// LaMa has a model and is none of diffusion.
bool is_used(field const& f, request const& r) {
    return !f.of_diffusion || by_diffusion(r) || (by_lama(r) && f.key == "model");
}

bool is_known(request const& r, std::string const& key) {
    field const* const f = find_field(r.operation, key);
    if (!f) return key == version_field.key || key == "made_by";
    bool const names_none = key == "model" && r.diffusion.model.empty();
    return is_used(*f, r) || names_none;
}

} // namespace

request request_from_json(json const& object, keys* unknown) {
    if (!object.is_object()) fail("A request must be a JSON object, not {}.", json_show(object));
    auto const version = read_required(version_field, object);
    request r;
    auto const take = [&](field const& f) {
        auto const found = object.find(f.key);
        if (found != object.end() && !f.set(r, read(f, *found, unknown)))
            reader{f, *found, unknown}.refuse(std::visit(rule_of(), f.type));
    };
    take(*find_field(r.operation, "operation")); // of any
    for (field const* f : fields_of(r.operation))
        if (!f->of_diffusion || f->key == "model") take(*f); // by_diffusion asks for the method and the model
    for (field const* f : fields_of(r.operation))
        if (f->of_diffusion && by_diffusion(r)) take(*f);
    if (version == 1 && r.diffusion.clip_skip == 1) r.diffusion.clip_skip.reset();
    if (version <= 2 && r.operation == operation::inpaint && by_diffusion(r)) r.inpaint.prefill = "";
    if (unknown)
        for (auto const& [key, value] : object.items())
            if (!is_known(r, key)) unknown->push_back(key);
    field const* const seed = find_field(r.operation, "seed");
    if (seed && r.seed > std::get<whole_number>(seed->type).most - (r.diffusion.batch - 1))
        fail("The request's \"seed\" is too large for a \"batch\" of {}: its pictures have the seeds that follow.",
             r.diffusion.batch);
    return r;
}

json request_to_json(request const& r) {
    static request const initial;
    json object{{version_field.key, request::version}};
    for (field const* f : fields_of(r.operation)) {
        field_value const value = f->get(r);
        if (!is_used(*f, r)) continue;
        bool const is_unset = std::holds_alternative<std::monostate>(value) || (f->quiet && value == f->get(initial));
        if (!is_unset) object[f->key] = std::visit(writer(), value);
    }
    return object;
}

request choose_method(request r, lama_finder const& find_lama) {
    if (r.method) return r;
    if (by_diffusion(r)) {
        r.method = method::diffusion;
        return r;
    }
    r.diffusion.model = find_lama ? find_lama() : "";
    r.method = r.diffusion.model.empty() ? method::patchmatch : method::lama;
    return r;
}

request resolve(request r, lama_finder const& find_lama) {
    if (find_field(r.operation, "seed") && r.seed < 0)
        r.seed = std::random_device{}() >> 1; // 31 bits: other programs have no more
    if (r.operation == operation::inpaint) r = choose_method(std::move(r), find_lama);
    bool const draws = r.operation == operation::txt2img || r.operation == operation::img2img;
    if (draws && r.diffusion.model.empty()) r.diffusion.model = "sfumato:draw";
    if (r.operation == operation::upscale && r.upscale.model.empty())
        r.upscale.model = r.upscale.scale > 2 ? "sfumato:upscale-x4" : "sfumato:upscale-x2";
    return r;
}

std::string prompt_with_loras(diffusion_settings const& d) {
    std::string prompt = d.prompt;
    for (lora_choice const& l : d.loras) {
        std::string const name = std::filesystem::path(l.file).stem().string();
        prompt += l.text_weight ? std::format(" <lora:{}:{}:{}>", name, *l.text_weight, l.weight)
                                : std::format(" <lora:{}:{}>", name, l.weight);
    }
    return prompt;
}

} // namespace sfumato
