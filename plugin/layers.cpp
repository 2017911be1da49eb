#include "plugin/layers.h"

#include "compute/error.h"
#include "request/names.h"

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>

namespace sfumato {

rect extent_of(GimpLayer* layer) {
    int x = 0, y = 0;
    gimp_drawable_get_offsets(GIMP_DRAWABLE(layer), &x, &y);
    return {x, y, gimp_drawable_get_width(GIMP_DRAWABLE(layer)), gimp_drawable_get_height(GIMP_DRAWABLE(layer))};
}

rect moved(rect const& r, int x, int y) { return {r.x + x, r.y + y, r.width, r.height}; }

rect united(rect const& a, rect const& b) {
    int const x = std::min(a.x, b.x), y = std::min(a.y, b.y);
    return {x, y, std::max(a.x + a.width, b.x + b.width) - x, std::max(a.y + a.height, b.y + b.height) - y};
}

GimpLayer* as_layer(GimpDrawable* drawable) {
    if (GIMP_IS_LAYER_MASK(drawable)) return gimp_layer_from_mask(GIMP_LAYER_MASK(drawable));
    return GIMP_IS_LAYER(drawable) ? GIMP_LAYER(drawable) : nullptr;
}

std::string name_of(GimpItem* item) {
    std::unique_ptr<char, decltype(&g_free)> const name(gimp_item_get_name(item), g_free);
    return name.get();
}

GimpLayer* still_in(GimpImage* image, GimpLayer* layer) {
    return layer && gimp_item_is_valid(GIMP_ITEM(layer)) && gimp_image_get_item_position(image, GIMP_ITEM(layer)) >= 0
               ? layer
               : nullptr;
}

void check_delivered(bool done) {
    if (!done) fail("GIMP could not add the result as a layer: {}", gimp_pdb_get_last_error(gimp_get_pdb()));
}

image_handle make_image_like(GimpImage* like, int width, int height) {
    image_handle image(
        gimp_image_new_with_precision(width, height, gimp_image_get_base_type(like), gimp_image_get_precision(like)));
    if (!image) return image;
    gimp_image_undo_disable(image.get());
    if (GimpColorProfile* profile = gimp_image_get_color_profile(like)) {
        gimp_image_set_color_profile(image.get(), profile);
        g_object_unref(profile);
    }
    double x = 72, y = 72;
    gimp_image_get_resolution(like, &x, &y);
    gimp_image_set_resolution(image.get(), x, y);
    gimp_image_set_unit(image.get(), gimp_image_get_unit(like));
    return image;
}

loose_layer make_layer(GimpImage* image, char const* name, int width, int height, bool has_alpha) {
    bool const gray = gimp_image_get_base_type(image) == GIMP_GRAY;
    GimpImageType const type =
        gray ? (has_alpha ? GIMP_GRAYA_IMAGE : GIMP_GRAY_IMAGE) : (has_alpha ? GIMP_RGBA_IMAGE : GIMP_RGB_IMAGE);
    loose_layer layer(
        gimp_layer_new(image, name, width, height, type, 100, gimp_image_get_default_new_layer_mode(image)));
    check_delivered(bool(layer));
    return layer;
}

GimpLayerMask* add_mask(GimpLayer* layer, GimpAddMaskType type) {
    GimpLayerMask* mask = gimp_layer_create_mask(layer, type);
    check_delivered(mask && gimp_layer_add_mask(layer, mask));
    return mask;
}

namespace {

// Null: it has no recipe. The file that it came with may say anything.
nlohmann::json read_recipe(GimpItem* item) {
    std::unique_ptr<GimpParasite, decltype(&gimp_parasite_free)> const recipe(
        gimp_item_get_parasite(item, recipe_parasite), gimp_parasite_free);
    if (!recipe) return {};
    guint32 size = 0;
    auto const* const text = static_cast<char const*>(gimp_parasite_get_data(recipe.get(), &size));
    auto object = nlohmann::json::parse(text, text + strnlen(text, size), nullptr, false);
    return object.is_object() ? object : nlohmann::json();
}

// Whether it is a result that lies on what `o` reads, as does one of `o`: an enlarged layer takes its source's place,
// all others lie upon it.
bool lies_beside(operation o, GimpItem* item) {
    nlohmann::json const recipe = read_recipe(item);
    if (!recipe.contains("operation")) return false;
    return (recipe["operation"] == name_of(operation::upscale)) == (o == operation::upscale);
}

} // namespace

int position_over(GimpImage* image, GimpLayer* source, operation o) {
    GimpItem* const parent = gimp_item_get_parent(GIMP_ITEM(source));
    std::unique_ptr<GimpItem*[], decltype(&g_free)> const siblings(
        parent ? gimp_item_get_children(parent) : reinterpret_cast<GimpItem**>(gimp_image_get_layers(image)), g_free);
    int position = gimp_image_get_item_position(image, GIMP_ITEM(source));
    while (siblings && position > 0 && lies_beside(o, siblings[position - 1])) --position;
    return position;
}

GimpLayer* insert_layer(GimpImage* image, loose_layer layer, GimpLayer* source, operation o) {
    source = still_in(image, source);
    GimpItem* const parent = source ? gimp_item_get_parent(GIMP_ITEM(source)) : nullptr;
    int const position = source ? position_over(image, source, o) : 0;
    check_delivered(gimp_image_insert_layer(image, layer.get(), parent ? GIMP_LAYER(parent) : nullptr, position));
    return layer.release();
}

void attach_recipe(GimpLayer* layer, request const& request, std::optional<underlay> const& on) {
    auto recipe = request_to_json(request);
    recipe["made_by"] = "Sfumato " SFUMATO_VERSION;
    if (on) { // its place by the layer's, with which it moves when the canvas is resized
        rect const here = extent_of(layer);
        recipe["lies_on"] = {{"x", on->area.x - here.x},
                             {"y", on->area.y - here.y},
                             {"width", on->area.width},
                             {"height", on->area.height},
                             {"hash", on->hash}};
    }
    std::string const text = recipe.dump();
    GimpParasite* parasite = gimp_parasite_new(recipe_parasite, GIMP_PARASITE_PERSISTENT | GIMP_PARASITE_UNDOABLE,
                                               guint32(text.size() + 1), text.c_str());
    bool const attached = gimp_item_attach_parasite(GIMP_ITEM(layer), parasite);
    gimp_parasite_free(parasite);
    check_delivered(attached);
}

std::optional<request> recipe_of(GimpLayer* layer) try {
    nlohmann::json const recipe = read_recipe(GIMP_ITEM(layer));
    if (recipe.is_null()) return {};
    return request_from_json(recipe);
} catch (std::exception const&) {
    return {}; // a newer Sfumato's, or nobody's
}

std::optional<underlay> underlay_of_recipe(GimpLayer* layer) try {
    nlohmann::json const recipe = read_recipe(GIMP_ITEM(layer));
    if (!recipe.contains("lies_on")) return {};
    auto const number = [&](char const* key) {
        nlohmann::json const& value = recipe["lies_on"].at(key);
        bool const fits = value.is_number_integer() && value >= -GIMP_MAX_IMAGE_SIZE && value <= GIMP_MAX_IMAGE_SIZE;
        return fits ? value.get<int>() : 0;
    };
    rect const here = extent_of(layer);
    rect const area{here.x + number("x"), here.y + number("y"), number("width"), number("height")};
    if (area.empty()) return {};
    return underlay{area, recipe["lies_on"].at("hash")};
} catch (std::exception const&) {
    return {}; // nobody's
}

} // namespace sfumato
