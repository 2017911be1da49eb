#include "plugin/deliver.h"

#include "plugin/pixels.h"
#include "ui/translated.h"

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

namespace sfumato {

namespace {

template <class T> using item_list = std::unique_ptr<T*[], decltype(&g_free)>;

// Which items are active: adding a layer activates it, and the next run must read the same source again.
class active_items {
  public:
    explicit active_items(GimpImage* image)
        : image(image), layers(gimp_image_get_selected_layers(image), g_free),
          channels(gimp_image_get_selected_channels(image), g_free) {}

    void restore() const {
        if (layers && layers[0]) gimp_image_set_selected_layers(image, const_cast<GimpLayer const**>(layers.get()));
        if (channels && channels[0])
            gimp_image_set_selected_channels(image, const_cast<GimpChannel const**>(channels.get()));
    }

  private:
    GimpImage* image;
    item_list<GimpLayer> layers;
    item_list<GimpChannel> channels;
};

// A layer that is deleted again unless it became part of the image.
struct new_layer {
    GimpLayer* layer;
    bool kept = false;

    explicit new_layer(GimpLayer* layer) : layer(layer) {}
    new_layer(new_layer const&) = delete;
    ~new_layer() {
        if (layer && !kept) gimp_item_delete(GIMP_ITEM(layer));
    }
};

void check(bool done) {
    if (!done)
        fail_translated(_("GIMP could not add the result as a layer: {}"), gimp_pdb_get_last_error(gimp_get_pdb()));
}

void add_mask(GimpLayer* layer, mask const& composite) {
    GimpLayerMask* mask = gimp_layer_create_mask(layer, GIMP_ADD_MASK_WHITE);
    check(mask && gimp_layer_add_mask(layer, mask));
    write_mask(GIMP_DRAWABLE(mask), composite);
}

void attach_recipe(GimpLayer* layer, request const& request) {
    auto recipe = request_to_json(request);
    recipe["made_by"] = "Sfumato " SFUMATO_VERSION;
    std::string const text = recipe.dump();
    GimpParasite* parasite = gimp_parasite_new(recipe_parasite, GIMP_PARASITE_PERSISTENT | GIMP_PARASITE_UNDOABLE,
                                               guint32(text.size() + 1), text.c_str());
    bool const attached = gimp_item_attach_parasite(GIMP_ITEM(layer), parasite);
    gimp_parasite_free(parasite);
    check(attached);
}

// The whole layer is made before it becomes part of the image, so that nothing is left behind when something fails.
void fill_layer(GimpLayer* layer, request const& request, run_result const& result) {
    check(gimp_layer_set_offsets(layer, request.area.x + result.x, request.area.y + result.y));
    write_picture(GIMP_DRAWABLE(layer), result.filled);
    add_mask(layer, result.composite);
    attach_recipe(layer, request);
}

GimpImageType type_of_layers(GimpImage* image) {
    return gimp_image_get_base_type(image) == GIMP_GRAY ? GIMP_GRAYA_IMAGE : GIMP_RGBA_IMAGE;
}

bool insert_above(GimpImage* image, GimpLayer* layer, GimpLayer* above) {
    int const position = above ? gimp_image_get_item_position(image, GIMP_ITEM(above)) : -1;
    GimpItem* const parent = position >= 0 ? gimp_item_get_parent(GIMP_ITEM(above)) : nullptr;
    return gimp_image_insert_layer(image, layer, parent ? GIMP_LAYER(parent) : nullptr, std::max(position, 0));
}

} // namespace

void deliver(GimpImage* image, GimpLayer* above, request const& request, run_result const& result) {
    new_layer made(gimp_layer_new(image, C_("layer name", "Inpaint"), result.filled.width, result.filled.height,
                                  type_of_layers(image), 100, gimp_image_get_default_new_layer_mode(image)));
    check(made.layer);
    fill_layer(made.layer, request, result);

    active_items const active(image);
    gimp_image_undo_group_start(image);
    made.kept = insert_above(image, made.layer, above);
    active.restore();
    gimp_image_undo_group_end(image);
    check(made.kept);
    gimp_displays_flush();
}

} // namespace sfumato
