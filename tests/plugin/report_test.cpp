#include "plugin/report.h"

#include "tests/environment_variable.h"
#include "tests/scratch_folder.h"

#include <gtest/gtest.h>

namespace sfumato {
namespace {

TEST(report, prompts_are_left_out) {
    EXPECT_EQ(without_prompts(R"({"negative_prompt":"a \"b\" \\","prompt":"c","seed":1} on 4 × 4)"),
              R"({"negative_prompt":"…","prompt":"…","seed":1} on 4 × 4)");
    EXPECT_EQ(without_prompts("nothing\n"), "nothing\n");
    EXPECT_EQ(without_prompts(R"(cut off: "prompt":"abc\)"), R"(cut off: "prompt":"…)");
    EXPECT_EQ(without_prompts("\"prompt\":\"cut off\nthe next line"), "\"prompt\":\"…\nthe next line");
}

TEST(report, has_the_last_lines_of_the_log) {
    scratch_folder const runtime;
    environment_variable const place("XDG_RUNTIME_DIR", runtime.path.string());
    EXPECT_NE(make_report("It failed.").find("has not run"), std::string::npos);
    std::string log;
    for (int i = 0; i < 5000; ++i) log += "line " + std::to_string(i) + "\n";
    runtime.put("sfumato/engine.log", log + R"({"prompt":"a secret"})" + "\n");
    std::string const report = make_report("It failed.");
    EXPECT_NE(report.find("\nIt failed.\n"), std::string::npos);
    EXPECT_NE(report.find("\nline 4999\n"), std::string::npos);
    EXPECT_EQ(report.find("line 4960\n"), std::string::npos);
    EXPECT_EQ(report.find("secret"), std::string::npos);
}

} // namespace
} // namespace sfumato
