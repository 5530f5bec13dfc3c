// A helper volume that forgot the x bit is told where it stands, before an agent fails.
#include "unit/config/helpers.hpp"

namespace fracta::config {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::vector<std::string> problems(const std::string& source,
                                  const std::string& mount_path = "/opt/fracta/auth-helpers") {
  return lines(load("runtime: {kubernetes: {extra_volumes: [{name: h, " + source +
                    "}], extra_volume_mounts: [{name: h, readOnly: true, mountPath: " + mount_path + "}]}}\n"));
}

TEST(HelperAdvice, ModesWithAnXBitAreFine) {
  for (const char* mode : {"0755", "493", "0555", "0o755"})
    EXPECT_THAT(problems(std::string("configMap: {name: c, defaultMode: ") + mode + "}"), IsEmpty()) << mode;
  EXPECT_THAT(problems("configMap: {name: c, items: [{key: k, path: k, mode: 0755}]}"), IsEmpty());
  EXPECT_THAT(problems("projected: {defaultMode: 0755, sources: [{configMap: {name: c}}]}"), IsEmpty());
  EXPECT_THAT(problems("configMap: {name: c, defaultMode: 0644}", "/somewhere/else"), IsEmpty());
  EXPECT_THAT(problems("emptyDir: {}"), IsEmpty());
}

TEST(HelperAdvice, AForgottenXBitIsNamed) {
  EXPECT_THAT(problems("configMap: {name: c, defaultMode: 0644}"),
              ElementsAre(HasSubstr("warning: runtime.kubernetes.extra_volumes[0].configMap.defaultMode: has no x bit: "
                                    "none of the helpers in /opt/fracta/auth-helpers can be run; set defaultMode: "
                                    "0755")));
  EXPECT_THAT(problems("configMap: {name: c}"),
              ElementsAre(HasSubstr("extra_volumes[0].configMap: has no defaultMode, so no x bit")));
  EXPECT_THAT(problems("secret: {secretName: c}", "/opt/fracta/auth-helpers/"), ElementsAre(HasSubstr("no x bit")));
  EXPECT_THAT(problems("projected: {sources: [{configMap: {name: c}}]}"), ElementsAre(HasSubstr("no x bit")));
}

}  // namespace
}  // namespace fracta::config
