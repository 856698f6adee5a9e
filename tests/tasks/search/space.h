// The space of the tests of studies: a logarithm, whole numbers, a choice, and steps that are there for one choice
// alone.
#pragma once

#include "tasks/search/space.h"

namespace test {

inline search::Space four_settings() {
  using search::Distribution;
  search::Space space;
  space.parameters = {{.name = "lr", .distribution = Distribution::number(1e-5, 1e-1, true)},
                      {.name = "layers", .distribution = Distribution::whole(1, 6)},
                      {.name = "optimizer", .distribution = Distribution::choice({"sgd", "adamw"})},
                      {.name = "momentum",
                       .distribution = Distribution::number(0.5, 0.9, false, 0.1),
                       .parent = "optimizer",
                       .when = {0}}};
  return space;
}

}  // namespace test
