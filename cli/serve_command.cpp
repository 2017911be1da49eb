#include "cli/commands.h"
#include "cli/serve.h"

namespace sfumato {

namespace {

int serve_engine(options const& given) {
    if (!given.files.empty()) throw usage_error("serve takes no file");
    serve_options const wanted{
        .socket = given.value("--socket"),
        .idle_exit = int(given.number("--idle-exit", 0, 1'000'000, serve_options().idle_exit)),
        .background = given.has("--background"),
        .build = given.value("--build"),
    };
    return serve(wanted, open_device_job(given.value("--device")));
}

} // namespace

command const serve_command{
    .name = "serve",
    .summary = "the engine: wait for the plug-in's requests on a local socket",
    .help = "Usage: sfumato serve [--socket PATH] [--idle-exit SECONDS] [--device NAME] [--background]\n\n"
            "Runs what the GIMP plug-in asks for and keeps the GPU ready in between. The plug-in starts it by itself;\n"
            "start it by hand to watch what it does. Ends when it is idle, and on SIGTERM or Ctrl-C.\n\n"
            "  --socket PATH        where to listen (default: sfumato/engine.sock in $XDG_RUNTIME_DIR, else in\n"
            "                       /tmp/sfumato-UID/)\n"
            "  --idle-exit SECONDS  end after so long without work (default 300; 0 = never)\n"
            "  --device NAME        the GPU: its number in `sfumato devices`, or a part of its name\n"
            "  --background         return once the socket listens; messages go to engine.log beside it\n"
            "  --build ID           what to answer when the plug-in asks which build this is\n",
    .run = serve_engine,
    .with_value = {"--socket", "--idle-exit", "--device", "--build"},
    .flags = {"--background"},
};

} // namespace sfumato
