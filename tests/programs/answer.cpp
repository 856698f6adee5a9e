// `answer` from a file to a conversation, on questions that a tiny model can tell apart; and what its files can have
// wrong. Read tasks/answer/conversation.h before.
#include <filesystem>

#include "tests/support/programs.h"

using namespace test;
using nn::json;

namespace {

// Three intents whose words differ, a slot that is marked, one that is asked for, two articles.
std::string knowledge() {
  const char* numbers[] = {"S-11", "S-24", "S-37", "S-42", "S-58", "S-69", "S-73", "S-86", "S-95", "S-10"};
  const char* turns[] = {"please", "now", "today", "thanks", "again", "hello", "quickly", "sir", "friend", "soon"};
  std::string track = "# track\n## Questions\n", hours = "# hours\n## Questions\n", size = "# size\n## Questions\n";
  for (int i = 0; i < 10; ++i) {
    track +=
        fmt::format("- {} where is parcel [{}](order)\n- parcel {} where did it go\n", turns[i], numbers[i], turns[i]);
    hours += fmt::format("- {} when are you open\n- open {} at which hours\n", turns[i], turns[i]);
    size += fmt::format("- {} how big does this tent get\n- big {} or small tent\n", turns[i], turns[i]);
  }
  return track + "## Answer\nParcel {order} is under way.\n## Ask\n- order: Which parcel?\n\n" + hours +
         "## Answer\nNine to five.\n\n" + size +
         "## Answer\nThe tent is {metres} wide.\n## Ask\n- metres: Which tent?\n\n" +
         "# Sending things back\nReturns are free for sixty days.\n\n# Cleaning a kettle\nBoil vinegar in it.\n";
}

const std::string kLearn =
    " --model pool --hidden 32 --heads 2 --dropout 0 --epochs 40 --lr 0.02 --vocab-size 300 --split 60/30/10 "
    "--no-hints --seed 1 ";

struct TrainedShop {
  TemporaryDirectory dir;
  std::string run = dir.path + "/run";
  std::string output;
  TrainedShop() {
    dir.write("shop.md", knowledge());
    const Result result = call("answer", "train --data " + dir.path + "/shop.md --out " + run + kLearn);
    output = result.output;
    INFO(output);
    REQUIRE(result.status == 0);
  }
  std::vector<json> ask(const std::string& lines, const std::string& options = "") const {
    dir.write("in.jsonl", lines);
    return lines_of(
        call("answer", "ask --json --model " + run + " " + options + " <" + dir.path + "/in.jsonl", "").output);
  }
};

const TrainedShop& trained_shop() {
  static const TrainedShop once;
  return once;
}

}  // namespace

TEST_CASE("answer: a tiny assistant learns its intents and slots, and says so in result.json") {
  const json result = result_of(trained_shop().run);
  CHECK(result["accuracy"].get<double>() == 1);
  CHECK(result["slot_f1"].get<double>() > 0.6);
  CHECK(result["questions"] == 6);
  CHECK(trained_shop().output.find("result task=answer accuracy=1.0000") != std::string::npos);
}

TEST_CASE("answer: slots are filled, asked for, carried over and given; intents are named with their certainty") {
  const std::vector<json> r = trained_shop().ask(
      "{\"text\": \"when are you open\"}\n{\"text\": \"where is parcel S-42\"}\n"
      "{\"text\": \"how big does this tent get\"}\n{\"text\": \"the green one\"}\n"
      "{\"text\": \"where is parcel\", \"session\": \"other\"}\n{\"text\": \"where is parcel\"}\n");
  REQUIRE(r.size() == 6);
  CHECK(r[0]["outcome"] == "answer");
  CHECK(r[0]["text"] == "Nine to five.");
  CHECK(r[0]["certainty"].get<double>() > 0.5);
  CHECK(r[0]["nearest"]["text"].get<std::string>().find("open") != std::string::npos);
  CHECK(r[1]["text"] == "Parcel S-42 is under way.");
  CHECK(r[2]["outcome"] == "ask");
  CHECK(r[2]["text"] == "Which tent?");
  CHECK(r[3]["text"] == "The tent is the green one wide.");
  CHECK(r[4]["text"] == "Which parcel?");  // another conversation knows no number
  CHECK(r[5]["text"] == "Parcel S-42 is under way.");
}

TEST_CASE("answer: a marked slot that was asked for twice takes what is said as it stands, and no other question") {
  const auto turns = [](std::vector<std::string> texts) {
    std::string lines;
    for (const std::string& text : texts) lines += json{{"text", text}}.line() + "\n";
    return trained_shop().ask(lines, "--refuse 0");
  };
  const std::vector<json> r = turns({"where is parcel", "parcel where", "parcel where", "parcel where"});
  CHECK(r[0]["text"] == "Which parcel?");
  CHECK(r[1]["text"] == "Which parcel?");
  CHECK(r[1]["state"]["asked"] == 2);
  CHECK(r[2]["text"] == "Parcel parcel where is under way.");
  CHECK(r[2]["state"]["asked"] == 0);
  CHECK(turns({"where is parcel", "parcel where", "when are you open"})[2]["text"] == "Nine to five.");
}

TEST_CASE(
    "answer: a stricter promise refuses more; what is refused finds articles by shared words, or is handed over") {
  const auto refused = [](const std::vector<json>& r) {
    long count = 0;
    for (const json& reply : r) count += reply["scope"]["in"] == false;
    return count;
  };
  const std::string lines =
      "{\"text\": \"boil the kettle with vinegar\"}\n{\"text\": \"boil the kettle with vinegar\"}\n";
  const std::vector<json> some = trained_shop().ask(lines, "--refuse 0.5"),
                          none = trained_shop().ask(lines, "--refuse 0");
  CHECK(refused(none) == 0);
  CHECK(refused(some) == 2);
  CHECK(some[0]["outcome"] == "refuse");
  CHECK(some[0]["articles"][0]["id"] == "cleaning-a-kettle");
  CHECK(some[1]["outcome"] == "hand over");
  CHECK(some[1]["rule"].get<std::string>().find("for the second time") != std::string::npos);
  CHECK(some[0]["rule"].get<std::string>().find("50 %") != std::string::npos);
}

TEST_CASE("answer: several intents are offered, and a choice among them is understood") {
  const std::vector<json> r =
      trained_shop().ask("{\"text\": \"please big open\"}\n{\"text\": \"the second\"}\n", "--ask 0.9 --refuse 0");
  REQUIRE(r.size() == 2);
  CHECK(r[0]["outcome"] == "ask");
  REQUIRE(r[0]["options"].size() == 2);  // none is as sure as a promise of so little wants it
  CHECK(r[1]["intent"] == r[0]["options"][1]["intent"]);
  CHECK(r[1]["state"]["offered"].empty());
  const std::vector<json> none =
      trained_shop().ask("{\"text\": \"big open kettle\"}\n{\"text\": \"None of these.\"}\n", "--ask 0.9 --refuse 0");
  REQUIRE(none.size() == 2);
  CHECK(none[1]["outcome"] == "refuse");  // with articles for the question before
  CHECK(none[1]["articles"][0]["id"] == "cleaning-a-kettle");
}

TEST_CASE("answer: where a promise cannot be kept, it asks back between what is equally likely, and answers else") {
  const std::vector<json> r = trained_shop().ask("{\"text\": \"when are you open\"}\n", "--ask 0.001 --refuse 0");
  REQUIRE(r.size() == 1);
  CHECK(r[0]["ranking"][0]["certainty"].get<double>() > 0.6);
  CHECK(r[0]["outcome"] == "answer");
}

TEST_CASE(
    "answer: what every word adds and the attention it gets are shown on request; a bad line is answered as one") {
  const std::vector<json> r = trained_shop().ask(
      "{\"text\": \"when are you open\"}\nno json\n{\"text\": \" \"}\n{\"text\": \"big tent\"}\n", "--explain");
  REQUIRE(r.size() == 4);
  REQUIRE(r[0]["words"].size() == 4);
  double attention = 0;
  for (const json& word : r[0]["words"]) attention += word["attention"].get<double>();
  CHECK(attention > 0.1);
  CHECK(attention <= 1.001);
  CHECK(r[0]["words"][3]["share"].get<double>() > r[0]["words"][2]["share"].get<double>());  // open, you
  CHECK(r[1]["error"].get<std::string>().find("line 2") != std::string::npos);
  CHECK(r[2]["error"].get<std::string>().find("line 3: \"text\" must have a word") != std::string::npos);
  CHECK(!r[3].contains("error"));
}

TEST_CASE(
    "answer: what is asked in another encoding than UTF-8 is refused in one line, as an argument and from a pipe") {
  const TrainedShop& t = trained_shop();
  const std::string ask = "ask --model " + t.run;
  const std::string latin = t.dir.write("latin.txt", "caf\xE9 open\n"), bytes = t.dir.write("bytes.txt", "\xFF\xFE\n");
  for (const std::string& how : std::vector<std::string>{" 'caf\xE9 open'", " < " + latin, " < " + bytes}) {
    const Result result = call("answer", ask + how, "2>&1 >/dev/null");
    CHECK(result.status == 1);
    const std::string error = result.output.substr(result.output.find("error: "));  // behind warnings of few texts
    CHECK_MESSAGE((error.find('\n') + 1 == error.size() && result.says("is not valid UTF-8")), result.output);
  }
}

TEST_CASE("answer: evaluate compares every detector, with questions of unknown intents and of files as out of scope") {
  const TrainedShop& t = trained_shop();
  t.dir.write("more.md", knowledge() + "\n# weather\n## Questions\n- will it rain\n- is it cold outside\n");
  t.dir.write("others.txt", "who won\ntell me a joke\n");
  const std::string out = t.dir.path + "/figures.json";
  const Result result = call("answer", "evaluate --model " + t.run + " --data " + t.dir.path +
                                           "/more.md --out-of-scope " + t.dir.path + "/others.txt --out " + out);
  INFO(result.output);
  REQUIRE(result.status == 0);
  const json figures = json::parse(nn::read_file(out));
  CHECK(figures["questions"] == 60);
  CHECK(figures["out_of_scope"] == 4);
  CHECK(figures["detectors"].size() == 10);
  for (const auto& [name, values] : figures["detectors"].items()) {
    INFO(name);
    CHECK(values["auroc"].get<double>() > 0.6);
    CHECK(values["refused"].get<double>() < 0.35);
  }
}

TEST_CASE("answer: new articles are found without training, by an index of this model only") {
  const TrainedShop& t = trained_shop();
  const std::string copy = t.dir.path + "/copy";
  std::filesystem::copy(t.run, copy, std::filesystem::copy_options::recursive);
  t.dir.write(
      "new.jsonl",
      "{\"article\": \"bikes\", \"title\": \"Mending a puncture\", \"text\": \"Take the tyre off.\"}\n"
      "{\"article\": \"cleaning-a-kettle\", \"title\": \"Cleaning a kettle\", \"text\": \"Use citric acid.\"}\n");
  t.dir.write("searches.jsonl", "{\"question\": \"puncture in my tyre\", \"articles\": [\"bikes\"]}\n");
  const Result added = call("answer", "index --model " + copy + " --data " + t.dir.path + "/new.jsonl");
  CHECK(added.says("result task=index articles=3 new=1 replaced=1"));
  const Result found =
      call("answer", "evaluate --model " + copy + " --by-vector 0 --search " + t.dir.path + "/searches.jsonl");
  CHECK(found.says(" hit@1=1.0000"));
  const Result other = call("answer", "train --data " + t.dir.path + "/shop.md --out " + t.dir.path +
                                          "/other --overwrite" + kLearn + "--max-steps 2 --seed 2");
  REQUIRE(other.status == 0);
  std::filesystem::copy_file(copy + "/articles.safetensors", t.dir.path + "/other/articles.safetensors",
                             std::filesystem::copy_options::overwrite_existing);
  const Result refused = call("answer", "ask --model " + t.dir.path + "/other hello", "2>&1 >/dev/null");
  CHECK(refused.status == 1);
  CHECK(refused.one_line());
  CHECK(refused.says("an index of another model"));
}

TEST_CASE("answer: an assistant that was trained without articles gets them later") {
  const TrainedShop& t = trained_shop();
  const std::string all = knowledge(), run = t.dir.path + "/none";
  t.dir.write("none.md", all.substr(0, all.find("# Sending")));
  REQUIRE(call("answer", "train --data " + t.dir.path + "/none.md --out " + run + kLearn + "--max-steps 2").status ==
          0);
  t.dir.write("two.md", all.substr(all.find("# Sending")));
  CHECK(call("answer", "index --model " + run + " --data " + t.dir.path + "/two.md").says("articles=2 new=2"));
  t.dir.write("search.jsonl", "{\"question\": \"Cleaning a kettle\", \"articles\": [\"cleaning-a-kettle\"]}\n");
  const Result found =
      call("answer", "evaluate --model " + run + " --by-vector 1 --search " + t.dir.path + "/search.jsonl");
  CHECK(found.says(" hit@1=1.0000"));
}

TEST_CASE("answer: a value that the file marks somewhere is known again in words that the tags miss") {
  const std::vector<json> r = trained_shop().ask(
      "{\"text\": \"where is parcel S-42\"}\n{\"text\": \"what about s-86 then, is it any nearer to me\"}\n");
  REQUIRE(r.size() == 2);
  CHECK(r[1]["slots"]["order"].get<std::string>().find("-86") != std::string::npos);
}

TEST_CASE("answer: intents that are left out are out of scope; too few questions promise nothing, and say so") {
  const TrainedShop& t = trained_shop();
  const std::string out = t.dir.path + "/left", shop = t.dir.path + "/shop.md";
  const Result left =
      call("answer", "train --data " + shop + " --out " + out + kLearn + "--leave-out 0.3 --max-steps 3");
  INFO(left.output);
  REQUIRE(left.status == 0);
  CHECK(result_of(out)["out_of_scope"] == 20);
  CHECK(left.says("12 questions were kept for calibration, a promise to refuse at most 5 % needs 19"));
  const Result few =
      call("answer", "train --data " + shop + " --out " + t.dir.path + "/few" + kLearn + "--split 1/0/0 --max-steps 3");
  REQUIRE(few.status == 0);
  CHECK(few.says("0 questions were kept for calibration"));
  CHECK(few.says("nothing is refused"));
}

TEST_CASE("answer: a run that was stopped goes on to the same bits, and other knowledge is refused") {
  const TrainedShop& t = trained_shop();
  const std::string shop = t.dir.path + "/shop.md", a = t.dir.path + "/a", b = t.dir.path + "/b";
  const std::string learn = "train --data " + shop + kLearn + "--articles-weight 0.5 --out ";
  REQUIRE(call("answer", learn + a).status == 0);
  stop_early("answer", learn + b, b);
  CHECK(!std::filesystem::exists(b + "/answer.json"));
  REQUIRE(call("answer", "train --resume " + b).status == 0);
  for (const char* file : {"/log.jsonl", "/best/model.safetensors", "/wording.safetensors", "/articles.safetensors"})
    CHECK(nn::read_file(a + file) == nn::read_file(b + file));
  t.dir.write("shop.md", knowledge() + "\n# More\nAnother article.\n");
  const Result other = call("answer", "train --resume " + a, "2>&1 >/dev/null");
  t.dir.write("shop.md", knowledge());
  CHECK(other.status == 1);
  CHECK(other.says("error: "));
}

TEST_CASE(
    "answer: over HTTP a question is answered as by `ask`, the client keeps the state, and what is wrong has a "
    "status") {
  const TrainedShop& t = trained_shop();
  const std::string said = t.dir.path + "/serve.out";
  // $1: route, others: curl's; a reply and its status, a line each
  const Result result = run_shell(
      "OMP_NUM_THREADS=4 " + program("answer") + " serve --model " + t.run + " --port 0 >" + said +
      " 2>&1 & p=$!; trap 'kill -TERM $p; wait $p' EXIT; until grep -qs '^serving on' " + said +
      "; do kill -0 $p || exit 1; sleep 0.02; done; ls /proc/$p/task | wc -l; url=$(sed -n 's/^serving on \\([^ ]*\\) "
      ".*/\\1/p' " +
      said +
      "); get() { route=$1; shift; curl -s -w '\n%{http_code}\n' \"$url$route\" \"$@\"; }; "
      "say() { get /ask -H 'Content-Type: application/json' -d \"$1\"; }; "
      "say '{\"text\": \"how big does this tent get\"}'; "
      "say '{\"text\": \"the green one\", \"state\": {\"intent\": \"size\", \"wanted\": \"metres\"}, \"words\": "
      "true}'; "
      "say '{\"text\": \" \"}'; say 'no json'; say '{\"text\": \"a\", \"state\": 7}'; "
      "say '{\"text\": \"a\", \"sate\": {}}'; say '{\"text\": \"a\", \"state\": {\"intents\": \"size\"}}'; "
      "get /about; get /health; get /nowhere; get /ui | grep -c -e '<title>attune: answer</title>' -e '^200$'; "
      "get /metrics | tail -1");
  INFO(result.output);
  std::istringstream in(result.output);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  REQUIRE(lines.size() == 23);
  CHECK(std::stol(lines[0]) <= 5);  // threads, before a question came: what loaded the model keeps no team
  lines.erase(lines.begin());
  const auto reply = [&](size_t i) { return json::parse(lines[2 * i]); };
  const std::vector<std::string> statuses{"200", "200", "422", "400", "400", "400", "400", "200", "200", "404"};
  for (size_t i = 0; i < statuses.size(); ++i) CHECK(lines[2 * i + 1] == statuses[i]);
  const json alone = t.ask("{\"text\": \"how big does this tent get\"}\n")[0];
  CHECK(reply(0)["text"] == "Which tent?");
  CHECK(reply(0)["nearest"]["text"] == alone["nearest"]["text"]);
  CHECK(reply(1)["text"] == "The tent is the green one wide.");
  CHECK(reply(1)["words"].size() == 3);
  CHECK(reply(2)["error"].get<std::string>().find("a word in it") != std::string::npos);
  CHECK(reply(5)["error"] == "body: there is no member 'sate' (did you mean 'state'?)");
  CHECK(reply(6)["error"] == "body: state: there is no member 'intents' (did you mean 'intent'?)");
  CHECK(reply(7)["intents"] == 3);
  CHECK(reply(7)["articles"] == 2);
  CHECK(lines[20] == "2");
  CHECK(lines[21] == "200");
}

TEST_CASE("answer: a step in parts is the step of one large batch, the contrast between its questions included") {
  const TrainedShop& t = trained_shop();
  const auto losses = [&](const std::string& name, const std::string& options) {
    const std::string out = t.dir.path + "/" + name;
    const Result result = call("answer", "train --data " + t.dir.path + "/shop.md --out " + out + kLearn +
                                             "--max-steps 3 --contrast 2 --articles-weight 0 " + options);
    INFO(result.output);
    REQUIRE(result.status == 0);
    return lines_of(nn::read_file(out + "/log.jsonl"));
  };
  const std::vector<json> whole = losses("whole", "--batch-size 12"),
                          parts = losses("parts", "--batch-size 4 --accumulate 3");
  REQUIRE(whole.size() == parts.size());
  REQUIRE(whole.size() >= 3);
  for (size_t i = 0; i < 3; ++i)
    for (const char* key : {"loss", "contrast", "grad_norm"})
      CHECK(parts[i][key].get<double>() == doctest::Approx(whole[i][key].get<double>()).epsilon(1e-4));
}

TEST_CASE("answer: a directory that is no assistant, and options that do not go together, are one line") {
  const TrainedShop& t = trained_shop();
  const auto error = [](const std::string& arguments) {
    const Result result = call("answer", arguments, "2>&1 >/dev/null </dev/null");
    CHECK(result.status != 0);
    return result.output;
  };
  CHECK(error("ask --model " + t.dir.path + " hello").find("not an assistant") != std::string::npos);
  CHECK(error("ask --model " + t.run + " --detector margn hello").find("margin") != std::string::npos);
  CHECK(error("train --patience 3 --out " + t.dir.path + "/x").find("--patience") != std::string::npos);
  t.dir.write("bad.md", "# a\n## Answer\nyes\n");
  CHECK(error("train --data " + t.dir.path + "/bad.md --out " + t.dir.path + "/x").find("bad.md:1: intent 'a'") !=
        std::string::npos);
}

TEST_CASE(
    "answer: a conversation is the same as arguments and from a pipe, and --explain says by which question and rule") {
  const TrainedShop& t = trained_shop();
  const std::string ask = "ask --refuse 0 --model " + t.run + " ";
  const Result turns = call("answer", ask + "'how big does this tent get' 'the green one'", "2>/dev/null");
  CHECK(turns.output ==
        "> how big does this tent get\nWhich tent?\n> the green one\nThe tent is the green one wide.\n");
  t.dir.write("turns", "how big does this tent get\n\n  \nthe green one\n");
  const Result piped = call("answer", ask + "<" + t.dir.path + "/turns", "2>/dev/null");
  CHECK(piped.output == turns.output);
  const Result told = call("answer", ask + "--explain 'when are you open'", "2>/dev/null");
  std::istringstream in(told.output);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  REQUIRE(lines.size() == 4);
  CHECK(lines[1] == "Nine to five.");
  CHECK(lines[2].starts_with("    [answer: hours "));
  CHECK(lines[2].find(" when are you open\" (") != std::string::npos);  // the nearest question, with its cosine
  CHECK_MESSAGE(lines[3].ends_with(", nothing is refused]"), lines[3]);
}

TEST_CASE(
    "answer: a promise tried on halves refuses its share on the average, and one that was not made is not tried") {
  const TrainedShop& t = trained_shop();
  const std::string evaluate = "evaluate --model " + t.run + " --splits 200 ";
  const std::string file = t.dir.path + "/figures.json";
  const Result said = call("answer", evaluate + "--refuse 0.4 --out " + file, "2>/dev/null");
  REQUIRE_MESSAGE(said.status == 0, said.output);
  const json promise = json::parse(nn::read_file(file))["promise"];
  CHECK(promise["mean"].get<double>() == doctest::Approx(0.4).epsilon(0.3));
  CHECK(promise["least"] <= promise["mean"]);
  CHECK(promise["most"] >= promise["mean"]);
  CHECK(promise["counting"] > 0);
  CHECK(said.last_line().find(fmt::format(" refused_mean={:.4f}", promise["mean"].get<double>())) != std::string::npos);
  const Result none = call("answer", evaluate + "--refuse 0");
  CHECK(none.status == 1);
  CHECK(none.says("--splits: a promise, and two questions that were not learned, are needed"));
}
