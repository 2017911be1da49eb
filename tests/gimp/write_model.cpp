// write_model NAME FILE: a procedural model as a file, so that there is one to be found and chosen.
#include "models/files/safetensors_write.h"
#include "models/library/procedural.h"

int main(int, char** arguments) {
    auto const model = sfumato::procedural_checkpoint(arguments[1]);
    sfumato::write_safetensors(arguments[2], model.tensors, model.metadata);
}
