// What goes on while the panel is open: runs that wait and are at work, variants that were made, which one is shown.
// Everything happens on the main thread, but for what the engine is asked.
#pragma once

#include "plugin/capture.h"
#include "plugin/panel_settings.h"
#include "plugin/preview_layer.h"
#include "plugin/run_estimate.h"
#include "ui/background.h"
#include "ui/found_models.h"
#include "ui/panel_messages.h"
#include "ui/panel_window.h"

#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <vector>

namespace sfumato {

class panel_session {
  public:
    explicit panel_session(GimpImage*);
    ~panel_session();
    panel_session(panel_session const&) = delete;

    /// Until the window is closed. What was kept last, and is still there; null: nothing.
    GimpLayer* run();

    /// What another process has to say, too.
    void hear(panel_message const&);

  private:
    /// What was captured when it was asked for; the user goes on working.
    struct waiting_run {
        GimpImage* image;
        std::shared_ptr<captured const> from;
        int variants;
    };
    struct variant {
        GimpImage* image;
        std::shared_ptr<captured const> from;
        run_result result;
    };
    /// From the engine's thread.
    struct inbox {
        std::mutex mutex;
        std::vector<run_result> results;
        std::optional<picture> preview;
    };

    void aim(int image);
    void generate();
    void start_next();
    void end_run();
    void cancel();
    void look_into_inbox();
    void show_preview(picture const&);
    void show_variant(int number);
    void step(int by);
    void keep();
    void discard();
    void again();
    void adopt();
    void free_device();
    void see_new_images();
    void let_go_of_closed_images();
    void refresh();
    bool is_active_outdated();
    panel_view view();
    /// What goes wrong is said in the window …
    void attempt(std::function<void()> const& what);
    /// … until the user wants something else.
    void obey(std::function<void()> const& wish);

    panel_settings settings;
    GimpProcedureConfig* const config = settings.config();
    GimpImage* target;
    std::set<int> seen; // images, by their ids
    std::unique_ptr<GMainLoop, decltype(&g_main_loop_unref)> loop{g_main_loop_new(nullptr, FALSE), g_main_loop_unref};
    std::deque<waiting_run> runs; // the first one is at work
    std::vector<variant> variants;
    GimpLayer* kept = nullptr; // the last one
    int shown = -1;
    bool live = false;   // what is in the making is shown
    bool hidden = false; // while the user looks at what lies under it
    preview_layer preview;
    int looked_under = -1; // the id of the active layer, when what lies under it was looked at
    bool outdated = false; // … and has changed since that layer was made
    std::optional<step_settings> offered;
    inbox arrived;
    panel_window window;
    panel_listener listener;
    std::unique_ptr<background_run> work, freeing; // a run; the engine's end
    lama_question lama;                            // again after a run and whenever the panel is called
    run_estimate estimate{[this] { refresh(); }};
    guint timer = 0;
    unsigned ticks = 0;
};

} // namespace sfumato
