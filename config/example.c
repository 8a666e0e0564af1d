/* The agents.yaml that `keryx init` writes is the one at the root of the source tree, which the README walks
   through: embedded as it is, so there is one. */
#include "config/config.h"

__asm__(".pushsection .rodata.config_example, \"a\"\n"
        "config_example_begin:\n"
        ".incbin \"" KERYX_EXAMPLE "\"\n"
        "config_example_end:\n"
        ".popsection\n");

extern const char config_example_begin[] __attribute__((visibility("hidden")));
extern const char config_example_end[] __attribute__((visibility("hidden")));

struct str config_example(void)
{
    return str_n(config_example_begin, (size_t)(config_example_end - config_example_begin));
}
