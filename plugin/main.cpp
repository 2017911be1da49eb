// The GimpPlugIn subclass: which procedures there are is told by procedures.cpp.
#include "plugin/procedures.h"

#include <libgimp/gimp.h>

namespace {

struct SfumatoPlugIn {
    GimpPlugIn parent;
};
struct SfumatoPlugInClass {
    GimpPlugInClass parent;
};

G_DEFINE_TYPE(SfumatoPlugIn, sfumato_plug_in, GIMP_TYPE_PLUG_IN)

void sfumato_plug_in_class_init(SfumatoPlugInClass* type) {
    type->parent.query_procedures = [](GimpPlugIn*) { return sfumato::procedure_names(); };
    type->parent.create_procedure = [](GimpPlugIn* plug_in, char const* name) {
        return sfumato::create_procedure(plug_in, name);
    };
    // GIMP hangs up as soon as it has the answer, and libgimp would warn that nobody hears the goodbye.
    type->parent.quit = [](GimpPlugIn*) {
        g_log_set_handler(
            "LibGimp", G_LOG_LEVEL_WARNING, [](char const*, GLogLevelFlags, char const*, gpointer) {}, nullptr);
    };
}

void sfumato_plug_in_init(SfumatoPlugIn*) {}

} // namespace

GIMP_MAIN(sfumato_plug_in_get_type())
