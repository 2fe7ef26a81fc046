// toml++'s own one source file; Debian has only the shared library made of it. The build says
// TOML_HEADER_ONLY=0.
#define TOML_IMPLEMENTATION
#include <toml++/toml.h>
