#include "plugin/deliver.h"

#include "plugin/layers.h"
#include "plugin/pixels.h"
#include "plugin/undo_step.h"
#include "request/names.h"
#include "ui/translated.h"

namespace sfumato {

sentence name_of_result(request const& r) {
    switch (r.operation) {
    case operation::txt2img: return say("Generated (seed {})", r.seed);
    case operation::img2img: return say("Refined (seed {})", r.seed);
    default: return say("Inpaint ({}, seed {})", name_of(*r.method), r.seed);
    }
}

loose_layer make_result_layer(GimpImage* image, captured const& from, run_result const& result) {
    loose_layer made = make_layer(image, translated(name_of_result(result.recipe)).c_str(), result.picture.width,
                                  result.picture.height, true);
    check_delivered(gimp_layer_set_offsets(made.get(), from.area.x + result.x, from.area.y + result.y));
    write_picture(GIMP_DRAWABLE(made.get()), 0, 0, result.picture, colours_of(result.recipe));
    if (result.mask.width) write_mask(GIMP_DRAWABLE(add_mask(made.get(), GIMP_ADD_MASK_WHITE)), 0, 0, result.mask);
    return made;
}

GimpLayer* deliver(GimpImage* image, captured const& from, run_result const& result) {
    check_image(image);
    check_colours_and_place(image, from.document);
    // The whole layer is made before it becomes part of the image, so that nothing is left behind when something fails.
    loose_layer made = make_result_layer(image, from, result);
    if (from.keeps_recipe) attach_recipe(made.get(), result.recipe, from.on);

    GimpLayer* inserted = nullptr;
    as_undo_step(image, name_of_result(result.recipe), [&] {
        inserted = insert_layer(image, std::move(made), from.document.source, result.recipe.operation);
    });
    return inserted;
}

} // namespace sfumato
