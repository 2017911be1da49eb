// The panel: a window that stays beside the image. It shows what it is told, changes its procedure's arguments, and
// tells what else the user wants; it knows no document.
#pragma once

#include <functional>
#include <libgimp/gimpui.h>
#include <memory>
#include <string>
#include <vector>

namespace sfumato {

/// What the user can ask for; called on the main thread.
struct panel_wishes {
    std::function<void()> generate, cancel, keep, discard, again, free_device, report, close;
    std::function<void()> adopt;    // the steps that are offered
    std::function<void()> look;     // at the document again: the user has come back
    std::function<void(int)> step;  // to the variant before (−1) or the next one (1)
    std::function<void(bool)> hide; // the variant that is shown, to see what lies under it; false: show it again
    std::function<void(int)> aim;   // at the image with this id
};

struct panel_image {
    int id = -1;
    std::string name;
    bool operator==(panel_image const&) const = default;
};

/// What there is to see; texts in the user's language.
struct panel_view {
    std::vector<panel_image> images; // that are open
    int target = -1;                 // the one that is worked on
    std::string button;              // what will happen: "_Fill"
    std::string note;                // … in a sentence, or what is missing
    std::string offer; // "S_witch to 4 steps, guidance 1, LCM": what the model is made for; empty: nothing
    bool can_start = false, can_repeat = false;
    bool is_outdated = false; // the active layer: what lies under it has changed since it was made
    bool is_running = false;
    int waiting = 0;              // runs, beside the one that is at work
    int variants = 0, shown = -1; // −1: none of them

    bool operator==(panel_view const&) const = default;
};

class panel_window {
  public:
    panel_window(GimpProcedure*, GimpProcedureConfig*, panel_wishes);
    ~panel_window();

    void show(panel_view const&);
    void show_progress(double fraction, std::string const& text);
    void show_message(std::string const&); // a sentence; empty: none
    std::string message() const;           // the last that was shown
    void copy(std::string const& text);    // to the clipboard
    void present();

    struct widgets;

  private:
    std::unique_ptr<widgets> w;
};

} // namespace sfumato
