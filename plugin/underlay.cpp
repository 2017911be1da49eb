#include "plugin/underlay.h"

#include "plugin/pixels.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <vector>

namespace sfumato {

namespace {

using item_list = std::unique_ptr<GimpItem*[], decltype(&g_free)>;

// Its own, or those of a group.
item_list layers_in(GimpImage* image, GimpItem* group) {
    return {group ? gimp_item_get_children(group) : reinterpret_cast<GimpItem**>(gimp_image_get_layers(image)), g_free};
}

// Where a layer lies: its place in the image or in a group, that group's place, … the outermost first.
std::vector<int> path_to(GimpImage* image, GimpItem* item) {
    std::vector<int> path;
    for (; item; item = gimp_item_get_parent(item))
        path.insert(path.begin(), gimp_image_get_item_position(image, item));
    return path;
}

void remove(GimpImage* image, GimpItem* item) { gimp_image_remove_layer(image, GIMP_LAYER(item)); }

// What `keep` does not want of all that is left in an image.
template <class Keep> void remove_unless(GimpImage* image, GimpItem* group, Keep const& keep) {
    item_list const items = layers_in(image, group);
    for (GimpItem* const* item = items.get(); item && *item; ++item) {
        if (gimp_item_is_group(*item)) remove_unless(image, *item, keep);
        if (!keep(*item)) remove(image, *item);
    }
}

// A copy of the image, with only what lies below that place, the last one of `path` itself included or not; of it
// `area`. Null: GIMP refuses.
image_handle copy_below(GimpImage* image, std::vector<int> const& path, bool with_last, rect const& area) {
    image_handle copy(gimp_image_duplicate(image));
    if (!copy) return copy;
    gimp_image_undo_disable(copy.get());
    GimpItem* group = nullptr;
    for (std::size_t level = 0; level < path.size(); ++level) {
        item_list const items = layers_in(copy.get(), group);
        for (int i = 0; items && items[i] && i <= path[level]; ++i) {
            group = items[i];
            bool const is_last = level + 1 == path.size();
            if (i < path[level] || (is_last && !with_last)) remove(copy.get(), group);
        }
    }
    bool const cut = gimp_image_crop(copy.get(), area.width, area.height, area.x, area.y);
    return cut ? std::move(copy) : image_handle();
}

// Of all that is visible in a copy.
std::optional<underlay> underlay_of_copy(image_handle const& copy, rect const& area) {
    if (!copy) return {};
    loose_layer const seen(gimp_layer_new_from_visible(copy.get(), copy.get(), "seen"));
    if (!seen) return {};
    underlay u = underlay_of(seen.get(), {0, 0, area.width, area.height});
    u.area = area;
    return u;
}

rect canvas_of(GimpImage* image) { return {0, 0, gimp_image_get_width(image), gimp_image_get_height(image)}; }

constexpr int rows_at_once = 64;

} // namespace

underlay underlay_of(GimpLayer* visible, rect const& area) {
    std::unique_ptr<GChecksum, decltype(&g_checksum_free)> const sum(g_checksum_new(G_CHECKSUM_SHA256),
                                                                     g_checksum_free);
    std::vector<std::int32_t> numbers; // what is beyond white or black counts, too
    for (int y = 0; y < area.height; y += rows_at_once) {
        picture rows = read_picture(GIMP_DRAWABLE(visible),
                                    {area.x, area.y + y, area.width, std::min(rows_at_once, area.height - y)});
        make_unknown_transparent(rows);
        numbers.clear();
        for (std::size_t i = 0; i < rows.pixels.size(); ++i) {
            bool const is_seen = rows.pixels[i | 3] > 0; // what cannot be seen may have any colour
            double const number = is_seen ? std::round(double(rows.pixels[i]) * 65535) : 0;
            numbers.push_back(std::int32_t(std::clamp(number, -2e9, 2e9)));
        }
        g_checksum_update(sum.get(), reinterpret_cast<guchar const*>(numbers.data()),
                          gssize(numbers.size() * sizeof numbers[0]));
    }
    return {area, g_checksum_get_string(sum.get())};
}

std::optional<underlay> underlay_on(GimpImage* image, GimpLayer* source, operation o, rect const& area) {
    std::vector<int> path = path_to(image, GIMP_ITEM(source));
    path.back() = position_over(image, source, o);
    return underlay_of_copy(copy_below(image, path, true, area), area);
}

bool is_outdated(GimpLayer* layer) {
    auto const then = underlay_of_recipe(layer);
    GimpImage* const image = gimp_item_get_image(GIMP_ITEM(layer));
    if (!then || intersect(then->area, canvas_of(image)) != then->area || gimp_image_get_floating_sel(image))
        return false;
    rect const& area = then->area;
    image_handle const copy = copy_below(image, path_to(image, GIMP_ITEM(layer)), false, area);
    if (!copy) return false;
    remove_unless(copy.get(), nullptr, [&](GimpItem* item) {
        auto const other = underlay_of_recipe(GIMP_LAYER(item));
        return !other || other->hash != then->hash;
    });
    auto const now = underlay_of_copy(copy, area);
    return now && now->hash != then->hash;
}

} // namespace sfumato
