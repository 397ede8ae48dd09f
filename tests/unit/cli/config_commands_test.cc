#include "agent/cli/config_commands.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

#include "agent/config/load.h"

namespace clew {
namespace {

class ConfigCommands : public ::testing::Test {
 protected:
  std::string path_ = ::testing::TempDir() + "clew_check_" + std::to_string(::getpid()) + ".yaml";
  std::ostringstream out_, err_;

  void TearDown() override { ::unlink(path_.c_str()); }
};

TEST_F(ConfigCommands, CheckApprovesAGoodFile) {
  std::ofstream(path_) << "limits: {connections: 100}\n";
  EXPECT_EQ(check_config(path_, out_, err_), 0);
  EXPECT_EQ(out_.str(), path_ + ": ok\n");
  EXPECT_EQ(err_.str(), "");
}

TEST_F(ConfigCommands, CheckPrintsEveryError) {
  std::ofstream(path_) << "limit: {}\nselect: 5\n";
  EXPECT_EQ(check_config(path_, out_, err_), 2);
  EXPECT_EQ(out_.str(), "");
  EXPECT_EQ(err_.str(), path_ + ":1: unknown key 'limit' (did you mean 'limits'?)\n" + path_ +
                            ":2: select: list of rules expected, this is a single value\n");
}

TEST_F(ConfigCommands, CheckSaysThatAFileIsMissing) {
  EXPECT_EQ(check_config(path_, out_, err_), 2);
  EXPECT_EQ(err_.str(), path_ + ": No such file or directory\n");
}

TEST_F(ConfigCommands, DefaultsPassTheCheck) {
  EXPECT_EQ(print_default_config(out_), 0);
  EXPECT_EQ(out_.str(), default_config_yaml());
  std::ofstream(path_) << out_.str();
  EXPECT_EQ(check_config(path_, err_, err_), 0);
}

}  // namespace
}  // namespace clew
