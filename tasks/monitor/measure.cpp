#include "tasks/monitor/commands.h"
namespace monitor {
void measure(::run::Options&, const ::run::Parse&) {}
}  // namespace monitor
