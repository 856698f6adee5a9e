#include "tasks/monitor/commands.h"
namespace monitor {
void serve(::run::Options&, const ::run::Parse&) {}
}  // namespace monitor
