#include "exporter/console/terminal.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <string>

#include "tests/unit/console/test_pipe.h"

namespace clew::console {
namespace {

using std::chrono::milliseconds;
using Result = TerminalWriter::Result;

class TerminalTest : public testing::Test {
 protected:
  TerminalTest() {
    ::unsetenv("NO_COLOR");
    ::unsetenv("COLUMNS");
    ::setenv("TERM", "xterm", 1);
    std::signal(SIGPIPE, SIG_IGN);
  }
  TestPipe pipe_;
};

TEST_F(TerminalTest, APipeWantsNoColorAndHasTheWidthOfColumns) {
  EXPECT_FALSE(terminal_wants_color(pipe_.in()));
  EXPECT_EQ(terminal_width(pipe_.in()), 100U);
  ::setenv("COLUMNS", "72", 1);
  EXPECT_EQ(terminal_width(pipe_.in()), 72U);
  for (const char* nonsense : {"", "0", "-3", "12x", "999999999999999999999"}) {
    ::setenv("COLUMNS", nonsense, 1);
    EXPECT_EQ(terminal_width(pipe_.in()), 100U) << nonsense;
  }
}

TEST_F(TerminalTest, ATerminalWantsColorUnlessToldOtherwise) {
  int primary = -1;
  int secondary = -1;
  const winsize size{.ws_row = 24, .ws_col = 133, .ws_xpixel = 0, .ws_ypixel = 0};
  if (::openpty(&primary, &secondary, nullptr, nullptr, &size) != 0) {
    GTEST_SKIP() << "no pseudo terminals here";
  }
  EXPECT_TRUE(terminal_wants_color(secondary));
  EXPECT_EQ(terminal_width(secondary), 133U);
  ::setenv("NO_COLOR", "1", 1);
  EXPECT_FALSE(terminal_wants_color(secondary));
  ::setenv("NO_COLOR", "", 1);
  EXPECT_TRUE(terminal_wants_color(secondary));
  ::setenv("TERM", "dumb", 1);
  EXPECT_FALSE(terminal_wants_color(secondary));
  ::close(primary);
  ::close(secondary);
}

TEST_F(TerminalTest, WritesWholeTexts) {
  TerminalWriter writer(pipe_.in(), milliseconds(1000));
  std::string text;
  for (int i = 0; i < 1000; ++i) text += "line " + std::to_string(i) + "\n";
  EXPECT_EQ(writer.write(text), Result::Written);
  EXPECT_EQ(pipe_.take(), text);
}

TEST_F(TerminalTest, AReaderThatDoesNotReadIsGivenUpAndTriedAgain) {
  TerminalWriter writer(pipe_.in(), milliseconds(20));
  const std::string text(10'000, 'x');
  Result result = Result::Written;
  while (result == Result::Written) result = writer.write(text);
  EXPECT_EQ(result, Result::Stalled);
  EXPECT_EQ(writer.write("more\n"), Result::Stalled);
  pipe_.take();
  EXPECT_EQ(writer.write("again\n"), Result::Written);
  const std::string rest = pipe_.take();
  EXPECT_TRUE(rest.ends_with("\nagain\n")) << "must not go on in the line that the stall cut";
}

TEST_F(TerminalTest, ANonBlockingDescriptorIsTheSame) {
  ::fcntl(pipe_.in(), F_SETFL, O_NONBLOCK);
  TerminalWriter writer(pipe_.in(), milliseconds(20));
  const std::string text(10'000, 'x');
  Result result = Result::Written;
  while (result == Result::Written) result = writer.write(text);
  EXPECT_EQ(result, Result::Stalled);
}

TEST_F(TerminalTest, AClosedReaderBreaksItForGood) {
  pipe_.close_out();
  TerminalWriter writer(pipe_.in(), milliseconds(1000));
  EXPECT_EQ(writer.write("x"), Result::Broken);
  EXPECT_EQ(writer.error(), EPIPE);
  EXPECT_EQ(writer.write("x"), Result::Broken);
}

TEST_F(TerminalTest, ABadDescriptorBreaksIt) {
  TerminalWriter writer(99999, milliseconds(10));  // not open
  EXPECT_EQ(writer.write("x"), Result::Broken);
}

}  // namespace
}  // namespace clew::console
