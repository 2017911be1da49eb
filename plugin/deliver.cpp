#include "plugin/deliver.h"

#include "plugin/layers.h"
#include "plugin/pixels.h"
#include "plugin/undo_step.h"
#include "request/names.h"
#include "ui/translated.h"

namespace sfumato {

GimpLayer* deliver(GimpImage* image, captured const& from, run_result const& result) {
    check_image(image);
    check_colours_and_place(image, from.document);
    request const& request = result.recipe;
    sentence const name = say("Inpaint ({}, seed {})", name_of(*request.method), request.seed);
    // The whole layer is made before it becomes part of the image, so that nothing is left behind when something fails.
    loose_layer made = make_layer(image, translated(name).c_str(), result.picture.width, result.picture.height, true);
    check_delivered(gimp_layer_set_offsets(made.get(), request.area.x + result.x, request.area.y + result.y));
    write_picture(GIMP_DRAWABLE(made.get()), 0, 0, result.picture);
    write_mask(GIMP_DRAWABLE(add_mask(made.get(), GIMP_ADD_MASK_WHITE)), 0, 0, result.mask);
    attach_recipe(made.get(), request);

    GimpLayer* inserted = nullptr;
    as_undo_step(image, name,
                 [&] { inserted = insert_layer(image, std::move(made), from.document.source, request.operation); });
    return inserted;
}

} // namespace sfumato
