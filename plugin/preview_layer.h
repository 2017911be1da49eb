// A layer that shows what is not part of the document: outside the undo history, marked, and never left behind.
#pragma once

#include "request/picture.h"

#include <libgimp/gimp.h>

namespace sfumato {

class preview_layer {
  public:
    preview_layer() = default;
    preview_layer(preview_layer const&) = delete;
    ~preview_layer() { remove(); }

    /// In place of what it showed before: on top of all, at `at` of the image, behind `shown` unless that is empty.
    /// Throws error when GIMP refuses.
    void show(GimpImage*, rect const& at, picture const&, mask const& shown, colours, bool visible);
    void remove();

    void set_visible(bool);
    /// The image that it is in; null: it is shown nowhere.
    GimpImage* image() const;

  private:
    GimpImage* image_ = nullptr;
    GimpLayer* layer_ = nullptr;
};

/// What a crash left behind, or came with a file that was saved meanwhile.
void remove_leftovers(GimpImage*);

} // namespace sfumato
