// A polite end: the first SIGINT or SIGTERM asks a program to stop where nothing is lost; another, a second later or
// more, ends it at once. One that comes sooner is the same wish: `timeout` sends its own twice, to the program and to
// its group.
#pragma once

namespace run {

void listen_for_stop();  // from here on; none has come yet
void end_listening();    // the signals have their own action again
int stop_signal();       // the one that came; 0: none. stop_requested() in run.h says whether

}  // namespace run
