// The library as other people's programs have it: compiled against by C, loaded by Python, installed, and with a border
// that nothing crosses but what attune.h names. Read tests/capi/stranger.c before.
#include <sstream>

#include "tasks/capi/attune.h"
#include "tests/support/programs.h"

using namespace test;
namespace fs = std::filesystem;

namespace {

// The sanitizers' variant has no libattune.so: a host would have to be built with them, too.
#ifdef SANITIZED
constexpr bool kNoLibrary = true;
#else
constexpr bool kNoLibrary = false;
#endif

bool found(const std::string& command) { return run_shell("command -v " + command + " >/dev/null").status == 0; }

std::string lines_between(const std::string& text, const std::string& begin, const std::string& end) {
  const size_t start = text.find(begin);
  REQUIRE(start != std::string::npos);
  return text.substr(start + begin.size(), text.find(end, start + begin.size()) - start - begin.size());
}

// A C program of this folder, compiled as strictly as can be; where it is.
std::string compiled(const TemporaryDirectory& dir, const std::string& name, const std::string& flags) {
  const std::string out = dir.path + "/" + name;
  const Result result = run_shell("gcc -std=c11 -Wall -Wextra -Wpedantic -Werror tests/capi/" + name + ".c " + flags +
                                  " -o " + out + " 2>&1");
  REQUIRE_MESSAGE(result.status == 0, result.output);
  return out;
}

std::string beside_runner() { return fs::path(program("")).parent_path(); }

const std::string kModel = "tests/golden/directories/bert";
const std::string kArguments = " 'The waiter was kind.' 'Nobody said why.'";

// What classify.c prints of them.
std::string expected() {
  std::string lines;
  for (const auto& line : lines_of(call("sentiment", "predict --model " + kModel + kArguments, "2>/dev/null").output)) {
    const std::string label = line["label"];
    lines += fmt::format("{}\t{:.4f}\t{}\n", label, line["probabilities"][label].get<double>(),
                         line["text"].get<std::string>());
  }
  return lines;
}

}  // namespace

TEST_CASE("capi: the C program of the README compiles without a warning and says what predict says" *
          doctest::skip(kNoLibrary)) {
  const TemporaryDirectory dir;
  const std::string library = beside_runner();
  const std::string classify =
      compiled(dir, "classify", "-Itasks/capi -L" + library + " -lattune -Wl,-rpath," + library);
  const Result result = run_shell("DEBUG=2 PROFILE=1 CHECK_NAN=1 GRAPH=" + dir.path + "/graph " + classify + " " +
                                  kModel + kArguments + " 2>&1");  // what they would print is about the host
  CHECK(result.status == 0);
  CHECK(result.output == expected());
  CHECK(!fs::exists(dir.path + "/graph"));
  const Result wrong = run_shell("cd " + dir.path + " && " + classify + " nowhere a 2>&1");
  CHECK(wrong.status == 1);
  CHECK(wrong.output == "error: nowhere: no such directory; the models that ship: mini, sentiment\n");
}

TEST_CASE("capi: the Python script of the README says which text is nearer" * doctest::skip(kNoLibrary)) {
  if (!found("python3")) {
    MESSAGE("python3 is not here: its script was not run");
    return;
  }
  const std::string script = "LD_LIBRARY_PATH=" + beside_runner() + " python3 tests/capi/similar.py ";
  const Result result = run_shell(script + "mini 'the soup was warm' 'the soup was hot' 'he sold two tickets' 2>&1");
  CHECK_MESSAGE(result.status == 0, result.output);
  std::istringstream lines(result.output);
  double near = 0, far = 0;
  std::string rest;
  lines >> near;
  std::getline(lines, rest);
  CHECK(rest == "\tthe soup was hot");
  lines >> far;
  CHECK(near > far);
  CHECK(near < 1);
  const Result wrong = run_shell(script + "minj a b 2>&1");
  CHECK(wrong.output ==
        "error: minj: no such directory; the models that ship: mini, sentiment (did you mean 'mini'?)\n");
}

TEST_CASE("capi: the README's programs are the tested ones") {
  const std::string readme = nn::read_file("tasks/capi/README.md");
  CHECK(lines_between(readme, "```c\n", "```") == nn::read_file("tests/capi/classify.c"));
  CHECK(lines_between(readme, "```python\n", "```") == nn::read_file("tests/capi/similar.py"));
}

TEST_CASE("capi: loaded into a stranger it changes neither environment, signals, threads nor screen, nor starts over" *
          doctest::skip(kNoLibrary)) {
  const TemporaryDirectory dir;
  const std::string stranger = compiled(dir, "stranger", "-I. -fopenmp -ldl");
  for (const std::string settings : {"", "OPENBLAS_CORETYPE=Prescott ", "DEBUG=1 PROFILE=1 OMP_NUM_THREADS=2 "}) {
    const std::string model = settings.empty() ? "mini" : kModel;
    const Result result = run_shell("printf 'first\\nsecond\\n' | env -u OMP_PROC_BIND -u GOMP_SPINCOUNT " +
                                    (settings.empty() ? "-u OPENBLAS_CORETYPE " : settings) + stranger + " " +
                                    program("libattune.so") + " " + model + " 2>&1");
    CHECK(result.output == "stranger: the process goes on\n");
    CHECK(result.status == 0);
  }
}

TEST_CASE("capi: libattune.so shows the names of attune.h and no other, under the name that its version has" *
          doctest::skip(kNoLibrary)) {
  const std::string library = program("libattune.so"), header = nn::read_file("tasks/capi/attune.h");
  std::istringstream names(run_shell("nm -D --defined-only " + library).output);
  int functions = 0;
  std::string address, kind, name;
  while (names >> address >> kind >> name) {
    if (kind == "A") continue;  // the version itself
    CHECK(kind == "T");
    REQUIRE(name.ends_with("@@ATTUNE_0"));
    CHECK(header.find(name.substr(0, name.find('@')) + "(") != std::string::npos);
    ++functions;
  }
  int declared = 0;
  for (size_t at = 0; (at = header.find("\nATTUNE_API ", at)) != std::string::npos; ++at) ++declared;
  CHECK(functions == declared);
  const std::string soname = fmt::format("[libattune.so.{}]", ATTUNE_VERSION_MAJOR);
  CHECK(run_shell("readelf -d " + library).says(soname));
}

TEST_CASE("capi: one version, of programs and library") {
  CHECK(call("sentiment", "--version").output == fmt::format("attune {}\n", attune_version()));
  CHECK(attune_version() == fmt::format("{}.{}", ATTUNE_VERSION_MAJOR, ATTUNE_VERSION_MINOR));
}

TEST_CASE("capi: the interface is the one that tests/capi/attune.abi describes" * doctest::skip(kNoLibrary)) {
  const Result result = run_shell("tools/abi.sh check " + program("libattune.so") + " 2>&1");
  CHECK_MESSAGE(result.status == 0, result.output);
  if (result.says("was not compared")) MESSAGE(result.output);
}

TEST_CASE("capi: installed, pkg-config says how it is linked, either way, and models are found from there" *
          doctest::skip(kNoLibrary)) {
  const TemporaryDirectory dir, elsewhere;
  const std::string prefix = dir.path + "/opt", with = " tools/install.sh install ";
  const Result installed = run_shell(with + prefix + " sentiment 2>&1");
  REQUIRE_MESSAGE(installed.status == 0, installed.output);
  const std::string flags = "PKG_CONFIG_PATH=" + prefix + "/lib/pkgconfig pkg-config ";
  const std::string model = fs::absolute(kModel);
  const std::string loaded = compiled(elsewhere, "classify", "$(" + flags + "--cflags --libs attune)");
  const std::string run = "cd / && env -u ATTUNE_MODELS LD_LIBRARY_PATH=" + prefix + "/lib ";
  CHECK(run_shell(run + loaded + " " + model + kArguments + " 2>&1").output == expected());
  const Result by_name = run_shell(run + loaded + " minj a 2>&1");
  CHECK(by_name.output ==
        "error: minj: no such directory; the models that ship: mini, sentiment (did you mean 'mini'?)\n");
  CHECK(run_shell(run + loaded + " mini a 2>&1").says("it is an encoder without a trained head"));
  const std::string archive = compiled(dir, "classify",
                                       "-Wl,-Bstatic $(" + flags + "--cflags --libs attune) -Wl,-Bdynamic $(" + flags +
                                           "--static --libs attune | sed 's/-lattune//')");
  CHECK(run_shell("cd / && " + archive + " " + model + kArguments + " 2>&1").output == expected());
  CHECK(run_shell("cd / && env -u ATTUNE_MODELS " + prefix + "/bin/sentiment predict --model mini a 2>&1")
            .says(prefix + "/share/attune/models/mini"));
  CHECK(run_shell("tools/install.sh uninstall " + prefix + " sentiment").status == 0);
  for (const auto& entry : fs::recursive_directory_iterator(prefix))
    CHECK_MESSAGE(entry.is_directory(), entry.path().string());
  CHECK(!fs::exists(prefix + "/share/attune"));
}

TEST_CASE("capi: DESTDIR goes before PREFIX and into no file; a PREFIX that is no path is refused" *
          doctest::skip(kNoLibrary)) {
  const TemporaryDirectory dir;
  const Result installed = run_shell("DESTDIR=" + dir.path + " tools/install.sh install /usr sentiment 2>&1");
  REQUIRE_MESSAGE(installed.status == 0, installed.output);
  CHECK(nn::read_file(dir.path + "/usr/lib/pkgconfig/attune.pc").find(dir.path) == std::string::npos);
  const std::string version = attune_version();
  CHECK(fs::read_symlink(dir.path + "/usr/lib/libattune.so.0") == "libattune.so." + version);
  CHECK(fs::exists(dir.path + "/usr/lib/libattune.so"));
  CHECK(fs::exists(dir.path + "/usr/include/attune.h"));
  CHECK(fs::exists(dir.path + "/usr/share/attune/models/mini/model.safetensors"));
  const std::string blank = "'" + dir.path + "/my opt'";
  REQUIRE(run_shell("tools/install.sh install " + blank + " sentiment 2>&1").status == 0);
  const Result words = run_shell("export PKG_CONFIG_PATH=" + blank +
                                 "/lib/pkgconfig; eval \"printf '[%s]' $(pkg-config --cflags --libs attune)\"");
  CHECK(words.output == fmt::format("[-I{0}/my opt/include][-L{0}/my opt/lib][-lattune]", dir.path));
  const Result relative = run_shell("tools/install.sh install opt sentiment 2>&1");
  CHECK(relative.status == 2);
  CHECK(relative.output == "error: PREFIX must begin with /; got 'opt'\n");
}
