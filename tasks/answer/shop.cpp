// The shop that the program carries inside. The assembler includes the files; the Makefile knows that this object
// depends on them. Read tasks/data/README.md for what they are.
#include <sstream>

#include "tasks/answer/options.h"

#include "tasks/files/embed.h"

EMBED(shop_intents, "tasks/data/shop/intents.md");
EMBED(shop_articles, "tasks/data/shop/articles.md");
EMBED(shop_others, "tasks/data/shop/out_of_scope.txt");

namespace answer {

Knowledge embedded_shop() {
  Knowledge shop;
  read_markdown({attune_shop_articles_begin, attune_shop_articles_end}, "tasks/data/shop/articles.md", shop);
  read_markdown({attune_shop_intents_begin, attune_shop_intents_end}, "tasks/data/shop/intents.md", shop);
  check_whole(shop, "tasks/data/shop");
  return shop;
}

std::vector<std::string> embedded_out_of_scope() {
  std::istringstream in(std::string(attune_shop_others_begin, attune_shop_others_end));
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);)
    if (!line.empty()) lines.push_back(line);
  return lines;
}

Knowledge TrainOptions::load() const { return data.empty() ? embedded_shop() : read_knowledge(data); }

}  // namespace answer
