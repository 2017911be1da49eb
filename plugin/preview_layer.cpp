#include "plugin/preview_layer.h"

#include "plugin/active_items.h"
#include "plugin/layers.h"
#include "plugin/pixels.h"
#include "ui/translated.h"

#include <memory>

namespace sfumato {

namespace {

constexpr char const* mark = "sfumato-preview";

// The history neither gets what happens meanwhile, nor loses what it has.
struct without_undo {
    GimpImage* image;

    explicit without_undo(GimpImage* image) : image(image) { gimp_image_undo_freeze(image); }
    without_undo(without_undo const&) = delete;
    ~without_undo() { gimp_image_undo_thaw(image); }
};

void attach_mark(GimpLayer* layer) {
    GimpParasite* const parasite = gimp_parasite_new(mark, GIMP_PARASITE_PERSISTENT, 1, "");
    bool const attached = gimp_item_attach_parasite(GIMP_ITEM(layer), parasite);
    gimp_parasite_free(parasite);
    check_delivered(attached);
}

loose_layer make_preview(GimpImage* image, rect const& at, bool masked) {
    loose_layer made = make_layer(image, _("Sfumato: not kept yet"), at.width, at.height, true);
    if (masked) add_mask(made.get(), GIMP_ADD_MASK_WHITE);
    attach_mark(made.get());
    return made;
}

bool fits(GimpLayer* layer, rect const& at, bool masked) {
    rect const now = extent_of(layer);
    return now.width == at.width && now.height == at.height && bool(gimp_layer_get_mask(layer)) == masked;
}

void paint(GimpLayer* layer, rect const& at, picture const& p, mask const& shown, colours given) {
    check_delivered(gimp_layer_set_offsets(layer, at.x, at.y));
    write_picture(GIMP_DRAWABLE(layer), 0, 0, p, given);
    if (shown.width) write_mask(GIMP_DRAWABLE(gimp_layer_get_mask(layer)), 0, 0, shown);
}

void remove_marked(GimpImage* image, GimpLayer* layer) {
    std::unique_ptr<GimpParasite, decltype(&gimp_parasite_free)> const found(
        gimp_item_get_parasite(GIMP_ITEM(layer), mark), gimp_parasite_free);
    if (found) gimp_image_remove_layer(image, layer);
}

void remove_among(GimpImage* image, GimpLayer* const* layers) {
    for (GimpLayer* const* layer = layers; layer && *layer; ++layer) {
        if (gimp_item_is_group(GIMP_ITEM(*layer))) {
            std::unique_ptr<GimpItem*[], decltype(&g_free)> const inside(gimp_item_get_children(GIMP_ITEM(*layer)),
                                                                         g_free);
            remove_among(image, reinterpret_cast<GimpLayer* const*>(inside.get()));
        }
        remove_marked(image, *layer);
    }
}

} // namespace

GimpImage* preview_layer::image() const {
    return layer_ && gimp_image_is_valid(image_) && still_in(image_, layer_) ? image_ : nullptr;
}

void preview_layer::show(GimpImage* image, rect const& at, picture const& p, mask const& shown, colours given,
                         bool visible) {
    if (this->image() != image || !fits(layer_, at, shown.width > 0)) remove();
    without_undo const frozen(image);
    if (layer_) {
        paint(layer_, at, p, shown, given);
        gimp_item_set_visible(GIMP_ITEM(layer_), visible);
    } else {
        active_items const active(image);
        loose_layer made = make_preview(image, at, shown.width > 0);
        paint(made.get(), at, p, shown, given);
        gimp_item_set_visible(GIMP_ITEM(made.get()), visible);
        check_delivered(gimp_image_insert_layer(image, made.get(), nullptr, 0));
        layer_ = made.release();
        image_ = image;
    }
    gimp_displays_flush();
}

void preview_layer::remove() {
    if (GimpImage* const image = this->image()) {
        without_undo const frozen(image);
        gimp_image_remove_layer(image, layer_);
        gimp_displays_flush();
    }
    layer_ = nullptr;
}

void preview_layer::set_visible(bool visible) {
    GimpImage* const image = this->image();
    if (!image) return;
    without_undo const frozen(image);
    gimp_item_set_visible(GIMP_ITEM(layer_), visible);
    gimp_displays_flush();
}

void remove_leftovers(GimpImage* image) {
    std::unique_ptr<GimpLayer*[], decltype(&g_free)> const layers(gimp_image_get_layers(image), g_free);
    without_undo const frozen(image);
    remove_among(image, layers.get());
}

} // namespace sfumato
