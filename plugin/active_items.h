// Adding a layer activates it, and the next run must read the same source again.
#pragma once

#include <libgimp/gimp.h>

#include <memory>

namespace sfumato {

/// The layers and channels that are active are so again at its end.
class active_items {
  public:
    explicit active_items(GimpImage* image)
        : image_(image), layers_(gimp_image_get_selected_layers(image), g_free),
          channels_(gimp_image_get_selected_channels(image), g_free) {}
    active_items(active_items const&) = delete;
    ~active_items() {
        if (layers_ && layers_[0]) gimp_image_set_selected_layers(image_, const_cast<GimpLayer const**>(layers_.get()));
        if (channels_ && channels_[0])
            gimp_image_set_selected_channels(image_, const_cast<GimpChannel const**>(channels_.get()));
    }

  private:
    template <class T> using item_list = std::unique_ptr<T*[], decltype(&g_free)>;
    GimpImage* image_;
    item_list<GimpLayer> layers_;
    item_list<GimpChannel> channels_;
};

} // namespace sfumato
