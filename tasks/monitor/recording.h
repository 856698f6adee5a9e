// Recording: ninety days of a stream, drawn from the texts of the embedded corpus that no model is trained on.
#pragma once

#include <cstdint>
#include <string>

namespace monitor {

struct RecordingOptions {
  uint64_t seed = 1;
  long days = 90;
  double texts_a_day = 40;  // of each of the five topics, on the average
};

// JSON lines with time, text, source, and the topic and sentiment that the corpus has for the text, from Monday,
// 2024-01-01 on, in the order of arrival. Five topics (finance, support, films, restaurants, travel) have volumes with
// a day and a week, negative binomial; a third of the texts of each are negative. A surge makes the negative texts of a
// topic several times as many; the decoy makes all texts of one more, and leaves their moods as they are. Also a few
// texts that are told twice, and some that come late.
std::string recording(const RecordingOptions& options);

// Where they are, for those who look whether they were found.
struct Surge {
  const char* topic;
  int day, days;          // from day `day` of the recording on
  double negatives, all;  // times as many
};
inline constexpr Surge kSurges[] = {{"travel", 31, 2, 6, 1}, {"support", 48, 3, 5, 1}, {"finance", 77, 2, 6, 1}};
inline constexpr Surge kDecoy = {"films", 61, 2, 3, 3};

}  // namespace monitor
