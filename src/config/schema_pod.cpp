#include <array>

#include "config/schema.hpp"

// The parts of corev1.PodSpec that fracta.yaml takes as they are (k8s.io/api/core/v1/types.go).
namespace fracta::config {
namespace {

using enum FieldKind;

constexpr auto kLabelSelectorRequirementFields =
    std::to_array<FieldSchema>({{"key", kString}, {"operator", kString}, {"values", kStringList}});
constexpr ObjectSchema kLabelSelectorRequirementSchema = {"LabelSelectorRequirement", kLabelSelectorRequirementFields};

constexpr auto kLabelSelectorFields = std::to_array<FieldSchema>(
    {{"matchLabels", kStringMap}, {"matchExpressions", kObjectList, &kLabelSelectorRequirementSchema}});

constexpr auto kTolerationFields = std::to_array<FieldSchema>(
    {{"key", kString}, {"operator", kString}, {"value", kString}, {"effect", kString}, {"tolerationSeconds", kInt64}});

constexpr auto kNodeSelectorTermFields =
    std::to_array<FieldSchema>({{"matchExpressions", kObjectList, &kLabelSelectorRequirementSchema},
                                {"matchFields", kObjectList, &kLabelSelectorRequirementSchema}});
constexpr ObjectSchema kNodeSelectorTermSchema = {"NodeSelectorTerm", kNodeSelectorTermFields};

constexpr auto kNodeSelectorFields =
    std::to_array<FieldSchema>({{"nodeSelectorTerms", kObjectList, &kNodeSelectorTermSchema}});
constexpr ObjectSchema kNodeSelectorSchema = {"NodeSelector", kNodeSelectorFields};

constexpr auto kPreferredSchedulingTermFields =
    std::to_array<FieldSchema>({{"weight", kInt32}, {"preference", kObject, &kNodeSelectorTermSchema}});
constexpr ObjectSchema kPreferredSchedulingTermSchema = {"PreferredSchedulingTerm", kPreferredSchedulingTermFields};

constexpr auto kNodeAffinityFields = std::to_array<FieldSchema>(
    {{"requiredDuringSchedulingIgnoredDuringExecution", kObject, &kNodeSelectorSchema},
     {"preferredDuringSchedulingIgnoredDuringExecution", kObjectList, &kPreferredSchedulingTermSchema}});
constexpr ObjectSchema kNodeAffinitySchema = {"NodeAffinity", kNodeAffinityFields};

constexpr auto kPodAffinityTermFields =
    std::to_array<FieldSchema>({{"labelSelector", kObject, &kLabelSelectorSchema},
                                {"namespaces", kStringList},
                                {"topologyKey", kString},
                                {"namespaceSelector", kObject, &kLabelSelectorSchema},
                                {"matchLabelKeys", kStringList},
                                {"mismatchLabelKeys", kStringList}});
constexpr ObjectSchema kPodAffinityTermSchema = {"PodAffinityTerm", kPodAffinityTermFields};

constexpr auto kWeightedPodAffinityTermFields =
    std::to_array<FieldSchema>({{"weight", kInt32}, {"podAffinityTerm", kObject, &kPodAffinityTermSchema}});
constexpr ObjectSchema kWeightedPodAffinityTermSchema = {"WeightedPodAffinityTerm", kWeightedPodAffinityTermFields};

constexpr auto kPodAffinityFields = std::to_array<FieldSchema>(
    {{"requiredDuringSchedulingIgnoredDuringExecution", kObjectList, &kPodAffinityTermSchema},
     {"preferredDuringSchedulingIgnoredDuringExecution", kObjectList, &kWeightedPodAffinityTermSchema}});
constexpr ObjectSchema kPodAffinitySchema = {"PodAffinity", kPodAffinityFields};

constexpr auto kAffinityFields = std::to_array<FieldSchema>({{"nodeAffinity", kObject, &kNodeAffinitySchema},
                                                             {"podAffinity", kObject, &kPodAffinitySchema},
                                                             {"podAntiAffinity", kObject, &kPodAffinitySchema}});

constexpr auto kSELinuxOptionsFields =
    std::to_array<FieldSchema>({{"user", kString}, {"role", kString}, {"type", kString}, {"level", kString}});
constexpr ObjectSchema kSELinuxOptionsSchema = {"SELinuxOptions", kSELinuxOptionsFields};

constexpr auto kWindowsOptionsFields = std::to_array<FieldSchema>({{"gmsaCredentialSpecName", kString},
                                                                   {"gmsaCredentialSpec", kString},
                                                                   {"runAsUserName", kString},
                                                                   {"hostProcess", kBool}});
constexpr ObjectSchema kWindowsOptionsSchema = {"WindowsOptions", kWindowsOptionsFields};

constexpr auto kSecurityProfileFields = std::to_array<FieldSchema>({{"type", kString}, {"localhostProfile", kString}});
constexpr ObjectSchema kSecurityProfileSchema = {"SecurityProfile", kSecurityProfileFields};

constexpr auto kSysctlFields = std::to_array<FieldSchema>({{"name", kString}, {"value", kString}});
constexpr ObjectSchema kSysctlSchema = {"Sysctl", kSysctlFields};

constexpr auto kPodSecurityContextFields =
    std::to_array<FieldSchema>({{"seLinuxOptions", kObject, &kSELinuxOptionsSchema},
                                {"windowsOptions", kObject, &kWindowsOptionsSchema},
                                {"runAsUser", kInt64},
                                {"runAsGroup", kInt64},
                                {"runAsNonRoot", kBool},
                                {"supplementalGroups", kInt64List},
                                {"supplementalGroupsPolicy", kString},
                                {"fsGroup", kInt64},
                                {"sysctls", kObjectList, &kSysctlSchema},
                                {"fsGroupChangePolicy", kString},
                                {"seccompProfile", kObject, &kSecurityProfileSchema},
                                {"appArmorProfile", kObject, &kSecurityProfileSchema},
                                {"seLinuxChangePolicy", kString}});

constexpr auto kCapabilitiesFields = std::to_array<FieldSchema>({{"add", kStringList}, {"drop", kStringList}});
constexpr ObjectSchema kCapabilitiesSchema = {"Capabilities", kCapabilitiesFields};

constexpr auto kSecurityContextFields =
    std::to_array<FieldSchema>({{"capabilities", kObject, &kCapabilitiesSchema},
                                {"privileged", kBool},
                                {"seLinuxOptions", kObject, &kSELinuxOptionsSchema},
                                {"windowsOptions", kObject, &kWindowsOptionsSchema},
                                {"runAsUser", kInt64},
                                {"runAsGroup", kInt64},
                                {"runAsNonRoot", kBool},
                                {"readOnlyRootFilesystem", kBool},
                                {"allowPrivilegeEscalation", kBool},
                                {"procMount", kString},
                                {"seccompProfile", kObject, &kSecurityProfileSchema},
                                {"appArmorProfile", kObject, &kSecurityProfileSchema}});

}  // namespace

const ObjectSchema kLabelSelectorSchema = {"LabelSelector", kLabelSelectorFields};
const ObjectSchema kTolerationSchema = {"Toleration", kTolerationFields};
const ObjectSchema kAffinitySchema = {"Affinity", kAffinityFields};
const ObjectSchema kPodSecurityContextSchema = {"PodSecurityContext", kPodSecurityContextFields};
const ObjectSchema kSecurityContextSchema = {"SecurityContext", kSecurityContextFields};

}  // namespace fracta::config
