#include "symbolizer/executable.h"

#include <elf.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <link.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "tests/unit/symbolizer/memory_file.h"

namespace clew {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

// The build id of this program as the loader mapped it.
int find_build_id(dl_phdr_info* info, size_t, void* result) {
  auto& id = *static_cast<std::string*>(result);
  for (int i = 0; i < info->dlpi_phnum; ++i) {
    const auto& segment = info->dlpi_phdr[i];
    if (segment.p_type != PT_NOTE) continue;
    // NOLINTNEXTLINE(performance-no-int-to-ptr): the loader gives addresses as numbers
    const auto* at = reinterpret_cast<const char*>(info->dlpi_addr + segment.p_vaddr);
    const auto* end = at + segment.p_memsz;
    while (end - at >= static_cast<ptrdiff_t>(sizeof(ElfW(Nhdr)))) {
      ElfW(Nhdr) note;
      std::memcpy(&note, at, sizeof(note));
      const char* name = at + sizeof(note);
      const char* content = name + (note.n_namesz + 3) / 4 * 4;
      if (note.n_type == NT_GNU_BUILD_ID && std::string_view(name, 3) == "GNU") {
        for (size_t k = 0; k < note.n_descsz; ++k) {
          id += fmt::format("{:02x}", static_cast<uint8_t>(content[k]));
        }
      }
      at = content + (note.n_descsz + 3) / 4 * 4;
    }
  }
  return 1;  // the first object is the program
}

template <typename Ehdr>
Ehdr header_of(uint8_t elf_class) {
  Ehdr header{};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = elf_class;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_ident[EI_VERSION] = EV_CURRENT;
  header.e_type = ET_EXEC;
  header.e_version = EV_CURRENT;
  header.e_ehsize = sizeof(Ehdr);
  return header;
}

std::string note_of(uint32_t type, const std::string& owner, const std::string& content) {
  const auto padded = [](std::string text) {
    text.resize((text.size() + 3) / 4 * 4);
    return text;
  };
  const Elf64_Nhdr note{static_cast<Elf64_Word>(owner.size() + 1),
                        static_cast<Elf64_Word>(content.size()), type};
  return bytes_of(note) + padded(owner + '\0') + padded(content);
}

// An executable of one segment, which holds `notes` and claims to be `claimed` larger.
template <typename Ehdr, typename Phdr>
std::string with_notes(uint8_t elf_class, const std::string& notes, uint32_t claimed = 0) {
  auto header = header_of<Ehdr>(elf_class);
  header.e_phoff = sizeof(Ehdr);
  header.e_phentsize = sizeof(Phdr);
  header.e_phnum = 1;
  Phdr segment{};
  segment.p_type = PT_NOTE;
  segment.p_offset = sizeof(Ehdr) + sizeof(Phdr);
  segment.p_filesz = static_cast<decltype(segment.p_filesz)>(notes.size() + claimed);
  segment.p_align = 4;
  return bytes_of(header) + bytes_of(segment) + notes;
}

std::string with_notes64(const std::string& notes, uint32_t claimed = 0) {
  return with_notes<Elf64_Ehdr, Elf64_Phdr>(ELFCLASS64, notes, claimed);
}

Result<ExecutableInfo> read_bytes(const std::string& content) {
  const MemoryFile file(content);
  return read_executable(file.fd());
}

std::string error_of(const std::string& content) {
  const auto info = read_bytes(content);
  return info ? "no error" : info.error().message;
}

TEST(Executable, TellsTheBuildIdThatTheLoaderSees) {
  std::string mapped;
  dl_iterate_phdr(find_build_id, &mapped);
  ASSERT_EQ(mapped.size(), 40u);
  const auto info = read_executable("/proc/self/exe");
  ASSERT_TRUE(info) << info.error().message;
  EXPECT_EQ(info->build_id, mapped);
  EXPECT_THAT(info->go_version, IsEmpty());
  EXPECT_THAT(info->go_module, IsEmpty());
}

TEST(Executable, TellsWhatTheLinkersRecorded) {
  const auto info = read_executable(CLEW_SAMPLE_PROGRAM);
  ASSERT_TRUE(info) << info.error().message;
  EXPECT_EQ(info->build_id, "0123456789abcdef");
  EXPECT_EQ(info->go_version, "go1.26.8");
  EXPECT_EQ(info->go_module, "example.test/cart");
}

// As Go's linker leaves it out of them.
TEST(Executable, FindsABuildIdThatIsInNoSegmentOfNotes) {
  auto content = content_of(CLEW_SAMPLE_PROGRAM);
  ASSERT_EQ(content[EI_CLASS], ELFCLASS64);
  Elf64_Ehdr header;
  std::memcpy(&header, content.data(), sizeof(header));
  for (size_t i = 0; i < header.e_phnum; ++i) {
    const size_t place = header.e_phoff + i * sizeof(Elf64_Phdr);
    Elf64_Phdr segment;
    std::memcpy(&segment, content.data() + place, sizeof(segment));
    if (segment.p_type != PT_NOTE) continue;
    segment.p_type = PT_NULL;
    content.replace(place, sizeof(segment), bytes_of(segment));
  }
  const auto info = read_bytes(content);
  ASSERT_TRUE(info) << info.error().message;
  EXPECT_EQ(info->build_id, "0123456789abcdef");
}

TEST(Executable, LeavesThePositionOfTheDescriptorAlone) {
  const MemoryFile file(content_of(CLEW_SAMPLE_PROGRAM));
  ASSERT_EQ(lseek(file.fd(), 7, SEEK_SET), 7);
  ASSERT_TRUE(read_executable(file.fd()));
  EXPECT_EQ(lseek(file.fd(), 0, SEEK_CUR), 7);
}

TEST(Executable, FindsTheBuildIdAmongOtherNotes) {
  const auto notes =
      note_of(NT_GNU_ABI_TAG, "GNU", "some") + note_of(NT_GNU_BUILD_ID, "Oth", "no") +
      note_of(NT_GNU_BUILD_ID, "GNU", "\x01\xfe\x20") + note_of(NT_GNU_BUILD_ID, "GNU", "later");
  const auto wide = read_bytes(with_notes64(notes));
  ASSERT_TRUE(wide) << wide.error().message;
  EXPECT_EQ(wide->build_id, "01fe20");
  const auto narrow = read_bytes(with_notes<Elf32_Ehdr, Elf32_Phdr>(ELFCLASS32, notes));
  ASSERT_TRUE(narrow) << narrow.error().message;
  EXPECT_EQ(narrow->build_id, "01fe20");
}

TEST(Executable, ABuildIdTooLongIsNone) {
  const auto info = read_bytes(with_notes64(note_of(NT_GNU_BUILD_ID, "GNU", std::string(65, 'x'))));
  ASSERT_TRUE(info) << info.error().message;
  EXPECT_THAT(info->build_id, IsEmpty());
}

TEST(Executable, ASegmentBeyondTheEndOfTheFileTellsNothing) {
  const auto info = read_bytes(with_notes64(note_of(NT_GNU_BUILD_ID, "GNU", "id"), 1));
  ASSERT_TRUE(info) << info.error().message;
  EXPECT_THAT(info->build_id, IsEmpty());
}

TEST(Executable, ReadsLittleOfAHugeSegment) {
  constexpr uint32_t kClaimed = 0xf000'0000;
  MemoryFile file(with_notes64(note_of(NT_GNU_BUILD_ID, "GNU", "id"), kClaimed));
  file.resize(size_t{1} << 33);
  const auto info = read_executable(file.fd());
  ASSERT_TRUE(info) << info.error().message;
  EXPECT_EQ(info->build_id, "6964");
}

TEST(Executable, RefusesTablesOfUnboundedSize) {
  auto sections = header_of<Elf64_Ehdr>(ELFCLASS64);
  sections.e_shoff = sizeof(sections);
  sections.e_shentsize = sizeof(Elf64_Shdr);
  Elf64_Shdr first{};
  first.sh_size = 100'000'000;  // sections, in a file that is large enough only by its holes
  MemoryFile file(bytes_of(sections) + bytes_of(first));
  file.resize(size_t{1} << 33);
  const auto info = read_executable(file.fd());
  ASSERT_FALSE(info);
  EXPECT_THAT(info.error().message, HasSubstr("too many"));

  auto segments = header_of<Elf64_Ehdr>(ELFCLASS64);
  segments.e_phnum = PN_XNUM;
  EXPECT_THAT(error_of(bytes_of(segments)), HasSubstr("too many"));
}

TEST(Executable, RefusesWhatIsNoExecutable) {
  EXPECT_EQ(error_of(""), "no ELF file");
  EXPECT_EQ(error_of("#!/bin/sh\necho hello\n"), "no ELF file");
  EXPECT_EQ(error_of("!<arch>\n" + std::string(200, ' ')), "no ELF file");
  EXPECT_EQ(error_of(std::string(100'000, '\0')), "no ELF file");
  EXPECT_THAT(error_of("\x7f"
                       "ELF" +
                       std::string(1000, '\xff')),
              HasSubstr("foreign byte order"));

  auto header = header_of<Elf64_Ehdr>(ELFCLASS64);
  EXPECT_THAT(error_of(bytes_of(header).substr(0, 63)), HasSubstr("cut off"));
  header.e_type = ET_REL;
  EXPECT_THAT(error_of(bytes_of(header)), HasSubstr("no executable"));
  header = header_of<Elf64_Ehdr>(3);
  EXPECT_THAT(error_of(bytes_of(header)), HasSubstr("unknown class"));
  header = header_of<Elf64_Ehdr>(ELFCLASS64);
  header.e_ident[EI_DATA] = ELFDATA2MSB;
  EXPECT_THAT(error_of(bytes_of(header)), HasSubstr("foreign byte order"));
}

TEST(Executable, RefusesWhatIsNoRegularFile) {
  const auto directory = read_executable("/");
  ASSERT_FALSE(directory);
  EXPECT_THAT(directory.error().message, HasSubstr("no regular file"));
  const auto device = read_executable("/dev/zero");
  ASSERT_FALSE(device);
  EXPECT_THAT(device.error().message, HasSubstr("no regular file"));

  const auto pipe =
      std::filesystem::path(testing::TempDir()) / fmt::format("clew-symbolizer-pipe-{}", getpid());
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_FALSE(read_executable(pipe.string()));  // and does not wait for a writer
  std::filesystem::remove(pipe);

  const auto absent = read_executable("/nonexistent/program");
  ASSERT_FALSE(absent);
  EXPECT_EQ(absent.error().code, ENOENT);
  EXPECT_FALSE(read_executable(-1));
}

}  // namespace
}  // namespace clew
