#include <array>

#include "config/schema.hpp"

// corev1.Volume and corev1.VolumeMount with every source of Kubernetes 1.26 to 1.34 (k8s.io/api/core/v1/types.go).
namespace fracta::config {
namespace {

using enum FieldKind;

constexpr auto kLocalObjectReferenceFields = std::to_array<FieldSchema>({{"name", kString}});
constexpr ObjectSchema kLocalObjectReferenceSchema = {"LocalObjectReference", kLocalObjectReferenceFields};

constexpr auto kKeyToPathFields = std::to_array<FieldSchema>({{"key", kString}, {"path", kString}, {"mode", kInt32}});
constexpr ObjectSchema kKeyToPathSchema = {"KeyToPath", kKeyToPathFields};

constexpr auto kHostPathFields = std::to_array<FieldSchema>({{"path", kString}, {"type", kString}});
constexpr ObjectSchema kHostPathSchema = {"HostPath", kHostPathFields};

constexpr auto kEmptyDirFields = std::to_array<FieldSchema>({{"medium", kString}, {"sizeLimit", kQuantity}});
constexpr ObjectSchema kEmptyDirSchema = {"EmptyDir", kEmptyDirFields};

constexpr auto kGCEPersistentDiskFields =
    std::to_array<FieldSchema>({{"pdName", kString}, {"fsType", kString}, {"partition", kInt32}, {"readOnly", kBool}});
constexpr ObjectSchema kGCEPersistentDiskSchema = {"GCEPersistentDisk", kGCEPersistentDiskFields};

constexpr auto kAWSElasticBlockStoreFields = std::to_array<FieldSchema>(
    {{"volumeID", kString}, {"fsType", kString}, {"partition", kInt32}, {"readOnly", kBool}});
constexpr ObjectSchema kAWSElasticBlockStoreSchema = {"AWSElasticBlockStore", kAWSElasticBlockStoreFields};

constexpr auto kGitRepoFields =
    std::to_array<FieldSchema>({{"repository", kString}, {"revision", kString}, {"directory", kString}});
constexpr ObjectSchema kGitRepoSchema = {"GitRepo", kGitRepoFields};

constexpr auto kSecretFields = std::to_array<FieldSchema>(
    {{"secretName", kString}, {"items", kObjectList, &kKeyToPathSchema}, {"defaultMode", kInt32}, {"optional", kBool}});
constexpr ObjectSchema kSecretSchema = {"Secret", kSecretFields};

constexpr auto kNFSFields = std::to_array<FieldSchema>({{"server", kString}, {"path", kString}, {"readOnly", kBool}});
constexpr ObjectSchema kNFSSchema = {"NFS", kNFSFields};

constexpr auto kISCSIFields = std::to_array<FieldSchema>({{"targetPortal", kString},
                                                          {"iqn", kString},
                                                          {"lun", kInt32},
                                                          {"iscsiInterface", kString},
                                                          {"fsType", kString},
                                                          {"readOnly", kBool},
                                                          {"portals", kStringList},
                                                          {"chapAuthDiscovery", kBool},
                                                          {"chapAuthSession", kBool},
                                                          {"secretRef", kObject, &kLocalObjectReferenceSchema},
                                                          {"initiatorName", kString}});
constexpr ObjectSchema kISCSISchema = {"ISCSI", kISCSIFields};

constexpr auto kGlusterfsFields =
    std::to_array<FieldSchema>({{"endpoints", kString}, {"path", kString}, {"readOnly", kBool}});
constexpr ObjectSchema kGlusterfsSchema = {"Glusterfs", kGlusterfsFields};

constexpr auto kPersistentVolumeClaimFields = std::to_array<FieldSchema>({{"claimName", kString}, {"readOnly", kBool}});
constexpr ObjectSchema kPersistentVolumeClaimSchema = {"PersistentVolumeClaim", kPersistentVolumeClaimFields};

constexpr auto kRBDFields = std::to_array<FieldSchema>({{"monitors", kStringList},
                                                        {"image", kString},
                                                        {"fsType", kString},
                                                        {"pool", kString},
                                                        {"user", kString},
                                                        {"keyring", kString},
                                                        {"secretRef", kObject, &kLocalObjectReferenceSchema},
                                                        {"readOnly", kBool}});
constexpr ObjectSchema kRBDSchema = {"RBD", kRBDFields};

constexpr auto kFlexVolumeFields = std::to_array<FieldSchema>({{"driver", kString},
                                                               {"fsType", kString},
                                                               {"secretRef", kObject, &kLocalObjectReferenceSchema},
                                                               {"readOnly", kBool},
                                                               {"options", kStringMap}});
constexpr ObjectSchema kFlexVolumeSchema = {"FlexVolume", kFlexVolumeFields};

constexpr auto kCinderFields = std::to_array<FieldSchema>({{"volumeID", kString},
                                                           {"fsType", kString},
                                                           {"readOnly", kBool},
                                                           {"secretRef", kObject, &kLocalObjectReferenceSchema}});
constexpr ObjectSchema kCinderSchema = {"Cinder", kCinderFields};

constexpr auto kCephFSFields = std::to_array<FieldSchema>({{"monitors", kStringList},
                                                           {"path", kString},
                                                           {"user", kString},
                                                           {"secretFile", kString},
                                                           {"secretRef", kObject, &kLocalObjectReferenceSchema},
                                                           {"readOnly", kBool}});
constexpr ObjectSchema kCephFSSchema = {"CephFS", kCephFSFields};

constexpr auto kFlockerFields = std::to_array<FieldSchema>({{"datasetName", kString}, {"datasetUUID", kString}});
constexpr ObjectSchema kFlockerSchema = {"Flocker", kFlockerFields};

constexpr auto kObjectFieldSelectorFields =
    std::to_array<FieldSchema>({{"apiVersion", kString}, {"fieldPath", kString}});
constexpr ObjectSchema kObjectFieldSelectorSchema = {"ObjectFieldSelector", kObjectFieldSelectorFields};

constexpr auto kResourceFieldSelectorFields =
    std::to_array<FieldSchema>({{"containerName", kString}, {"resource", kString}, {"divisor", kQuantity}});
constexpr ObjectSchema kResourceFieldSelectorSchema = {"ResourceFieldSelector", kResourceFieldSelectorFields};

constexpr auto kDownwardAPIVolumeFileFields =
    std::to_array<FieldSchema>({{"path", kString},
                                {"fieldRef", kObject, &kObjectFieldSelectorSchema},
                                {"resourceFieldRef", kObject, &kResourceFieldSelectorSchema},
                                {"mode", kInt32}});
constexpr ObjectSchema kDownwardAPIVolumeFileSchema = {"DownwardAPIVolumeFile", kDownwardAPIVolumeFileFields};

constexpr auto kDownwardAPIFields =
    std::to_array<FieldSchema>({{"items", kObjectList, &kDownwardAPIVolumeFileSchema}, {"defaultMode", kInt32}});
constexpr ObjectSchema kDownwardAPISchema = {"DownwardAPI", kDownwardAPIFields};

constexpr auto kFCFields = std::to_array<FieldSchema>(
    {{"targetWWNs", kStringList}, {"lun", kInt32}, {"fsType", kString}, {"readOnly", kBool}, {"wwids", kStringList}});
constexpr ObjectSchema kFCSchema = {"FC", kFCFields};

constexpr auto kAzureFileFields =
    std::to_array<FieldSchema>({{"secretName", kString}, {"shareName", kString}, {"readOnly", kBool}});
constexpr ObjectSchema kAzureFileSchema = {"AzureFile", kAzureFileFields};

constexpr auto kConfigMapFields = std::to_array<FieldSchema>(
    {{"name", kString}, {"items", kObjectList, &kKeyToPathSchema}, {"defaultMode", kInt32}, {"optional", kBool}});
constexpr ObjectSchema kConfigMapSchema = {"ConfigMap", kConfigMapFields};

constexpr auto kVsphereVolumeFields = std::to_array<FieldSchema>(
    {{"volumePath", kString}, {"fsType", kString}, {"storagePolicyName", kString}, {"storagePolicyID", kString}});
constexpr ObjectSchema kVsphereVolumeSchema = {"VsphereVolume", kVsphereVolumeFields};

constexpr auto kQuobyteFields = std::to_array<FieldSchema>({{"registry", kString},
                                                            {"volume", kString},
                                                            {"readOnly", kBool},
                                                            {"user", kString},
                                                            {"group", kString},
                                                            {"tenant", kString}});
constexpr ObjectSchema kQuobyteSchema = {"Quobyte", kQuobyteFields};

constexpr auto kAzureDiskFields = std::to_array<FieldSchema>({{"diskName", kString},
                                                              {"diskURI", kString},
                                                              {"cachingMode", kString},
                                                              {"fsType", kString},
                                                              {"readOnly", kBool},
                                                              {"kind", kString}});
constexpr ObjectSchema kAzureDiskSchema = {"AzureDisk", kAzureDiskFields};

constexpr auto kPhotonPersistentDiskFields = std::to_array<FieldSchema>({{"pdID", kString}, {"fsType", kString}});
constexpr ObjectSchema kPhotonPersistentDiskSchema = {"PhotonPersistentDisk", kPhotonPersistentDiskFields};

constexpr auto kSecretProjectionFields =
    std::to_array<FieldSchema>({{"name", kString}, {"items", kObjectList, &kKeyToPathSchema}, {"optional", kBool}});
constexpr ObjectSchema kSecretProjectionSchema = {"SecretProjection", kSecretProjectionFields};

constexpr auto kConfigMapProjectionFields =
    std::to_array<FieldSchema>({{"name", kString}, {"items", kObjectList, &kKeyToPathSchema}, {"optional", kBool}});
constexpr ObjectSchema kConfigMapProjectionSchema = {"ConfigMapProjection", kConfigMapProjectionFields};

constexpr auto kDownwardAPIProjectionFields =
    std::to_array<FieldSchema>({{"items", kObjectList, &kDownwardAPIVolumeFileSchema}});
constexpr ObjectSchema kDownwardAPIProjectionSchema = {"DownwardAPIProjection", kDownwardAPIProjectionFields};

constexpr auto kServiceAccountTokenProjectionFields =
    std::to_array<FieldSchema>({{"audience", kString}, {"expirationSeconds", kInt64}, {"path", kString}});
constexpr ObjectSchema kServiceAccountTokenProjectionSchema = {"ServiceAccountTokenProjection",
                                                               kServiceAccountTokenProjectionFields};

constexpr auto kClusterTrustBundleProjectionFields =
    std::to_array<FieldSchema>({{"name", kString},
                                {"signerName", kString},
                                {"labelSelector", kObject, &kLabelSelectorSchema},
                                {"optional", kBool},
                                {"path", kString}});
constexpr ObjectSchema kClusterTrustBundleProjectionSchema = {"ClusterTrustBundleProjection",
                                                              kClusterTrustBundleProjectionFields};

constexpr auto kPodCertificateProjectionFields = std::to_array<FieldSchema>({{"signerName", kString},
                                                                             {"keyType", kString},
                                                                             {"maxExpirationSeconds", kInt32},
                                                                             {"credentialBundlePath", kString},
                                                                             {"keyPath", kString},
                                                                             {"certificateChainPath", kString}});
constexpr ObjectSchema kPodCertificateProjectionSchema = {"PodCertificateProjection", kPodCertificateProjectionFields};

constexpr auto kVolumeProjectionFields =
    std::to_array<FieldSchema>({{"secret", kObject, &kSecretProjectionSchema},
                                {"downwardAPI", kObject, &kDownwardAPIProjectionSchema},
                                {"configMap", kObject, &kConfigMapProjectionSchema},
                                {"serviceAccountToken", kObject, &kServiceAccountTokenProjectionSchema},
                                {"clusterTrustBundle", kObject, &kClusterTrustBundleProjectionSchema},
                                {"podCertificate", kObject, &kPodCertificateProjectionSchema}});
constexpr ObjectSchema kVolumeProjectionSchema = {"VolumeProjection", kVolumeProjectionFields};

constexpr auto kProjectedFields =
    std::to_array<FieldSchema>({{"sources", kObjectList, &kVolumeProjectionSchema}, {"defaultMode", kInt32}});
constexpr ObjectSchema kProjectedSchema = {"Projected", kProjectedFields};

constexpr auto kPortworxFields =
    std::to_array<FieldSchema>({{"volumeID", kString}, {"fsType", kString}, {"readOnly", kBool}});
constexpr ObjectSchema kPortworxSchema = {"Portworx", kPortworxFields};

constexpr auto kScaleIOFields = std::to_array<FieldSchema>({{"gateway", kString},
                                                            {"system", kString},
                                                            {"secretRef", kObject, &kLocalObjectReferenceSchema},
                                                            {"sslEnabled", kBool},
                                                            {"protectionDomain", kString},
                                                            {"storagePool", kString},
                                                            {"storageMode", kString},
                                                            {"volumeName", kString},
                                                            {"fsType", kString},
                                                            {"readOnly", kBool}});
constexpr ObjectSchema kScaleIOSchema = {"ScaleIO", kScaleIOFields};

constexpr auto kStorageOSFields = std::to_array<FieldSchema>({{"volumeName", kString},
                                                              {"volumeNamespace", kString},
                                                              {"fsType", kString},
                                                              {"readOnly", kBool},
                                                              {"secretRef", kObject, &kLocalObjectReferenceSchema}});
constexpr ObjectSchema kStorageOSSchema = {"StorageOS", kStorageOSFields};

constexpr auto kCSIFields =
    std::to_array<FieldSchema>({{"driver", kString},
                                {"readOnly", kBool},
                                {"fsType", kString},
                                {"volumeAttributes", kStringMap},
                                {"nodePublishSecretRef", kObject, &kLocalObjectReferenceSchema}});
constexpr ObjectSchema kCSISchema = {"CSI", kCSIFields};

constexpr auto kObjectMetaFields = std::to_array<FieldSchema>({{"name", kString},
                                                               {"generateName", kString},
                                                               {"namespace", kString},
                                                               {"selfLink", kString},
                                                               {"uid", kString},
                                                               {"resourceVersion", kString},
                                                               {"generation", kInt64},
                                                               {"creationTimestamp", kString},
                                                               {"deletionTimestamp", kString},
                                                               {"deletionGracePeriodSeconds", kInt64},
                                                               {"labels", kStringMap},
                                                               {"annotations", kStringMap},
                                                               {"ownerReferences", kAnything},
                                                               {"finalizers", kStringList},
                                                               {"managedFields", kAnything}});
constexpr ObjectSchema kObjectMetaSchema = {"ObjectMeta", kObjectMetaFields};

constexpr auto kResourceClaimFields = std::to_array<FieldSchema>({{"name", kString}, {"request", kString}});
constexpr ObjectSchema kResourceClaimSchema = {"ResourceClaim", kResourceClaimFields};

constexpr auto kVolumeResourcesFields = std::to_array<FieldSchema>(
    {{"limits", kQuantityMap}, {"requests", kQuantityMap}, {"claims", kObjectList, &kResourceClaimSchema}});
constexpr ObjectSchema kVolumeResourcesSchema = {"VolumeResources", kVolumeResourcesFields};

constexpr auto kDataSourceFields =
    std::to_array<FieldSchema>({{"apiGroup", kString}, {"kind", kString}, {"name", kString}});
constexpr ObjectSchema kDataSourceSchema = {"DataSource", kDataSourceFields};

constexpr auto kDataSourceRefFields =
    std::to_array<FieldSchema>({{"apiGroup", kString}, {"kind", kString}, {"name", kString}, {"namespace", kString}});
constexpr ObjectSchema kDataSourceRefSchema = {"DataSourceRef", kDataSourceRefFields};

constexpr auto kClaimSpecFields = std::to_array<FieldSchema>({{"accessModes", kStringList},
                                                              {"selector", kObject, &kLabelSelectorSchema},
                                                              {"resources", kObject, &kVolumeResourcesSchema},
                                                              {"volumeName", kString},
                                                              {"storageClassName", kString},
                                                              {"volumeMode", kString},
                                                              {"dataSource", kObject, &kDataSourceSchema},
                                                              {"dataSourceRef", kObject, &kDataSourceRefSchema},
                                                              {"volumeAttributesClassName", kString}});
constexpr ObjectSchema kClaimSpecSchema = {"ClaimSpec", kClaimSpecFields};

constexpr auto kClaimTemplateFields =
    std::to_array<FieldSchema>({{"metadata", kObject, &kObjectMetaSchema}, {"spec", kObject, &kClaimSpecSchema}});
constexpr ObjectSchema kClaimTemplateSchema = {"ClaimTemplate", kClaimTemplateFields};

constexpr auto kEphemeralFields = std::to_array<FieldSchema>({{"volumeClaimTemplate", kObject, &kClaimTemplateSchema}});
constexpr ObjectSchema kEphemeralSchema = {"Ephemeral", kEphemeralFields};

constexpr auto kImageFields = std::to_array<FieldSchema>({{"reference", kString}, {"pullPolicy", kString}});
constexpr ObjectSchema kImageSchema = {"Image", kImageFields};

constexpr auto kVolumeFields =
    std::to_array<FieldSchema>({{"name", kString},
                                {"hostPath", kObject, &kHostPathSchema},
                                {"emptyDir", kObject, &kEmptyDirSchema},
                                {"gcePersistentDisk", kObject, &kGCEPersistentDiskSchema},
                                {"awsElasticBlockStore", kObject, &kAWSElasticBlockStoreSchema},
                                {"gitRepo", kObject, &kGitRepoSchema},
                                {"secret", kObject, &kSecretSchema},
                                {"nfs", kObject, &kNFSSchema},
                                {"iscsi", kObject, &kISCSISchema},
                                {"glusterfs", kObject, &kGlusterfsSchema},
                                {"persistentVolumeClaim", kObject, &kPersistentVolumeClaimSchema},
                                {"rbd", kObject, &kRBDSchema},
                                {"flexVolume", kObject, &kFlexVolumeSchema},
                                {"cinder", kObject, &kCinderSchema},
                                {"cephfs", kObject, &kCephFSSchema},
                                {"flocker", kObject, &kFlockerSchema},
                                {"downwardAPI", kObject, &kDownwardAPISchema},
                                {"fc", kObject, &kFCSchema},
                                {"azureFile", kObject, &kAzureFileSchema},
                                {"configMap", kObject, &kConfigMapSchema},
                                {"vsphereVolume", kObject, &kVsphereVolumeSchema},
                                {"quobyte", kObject, &kQuobyteSchema},
                                {"azureDisk", kObject, &kAzureDiskSchema},
                                {"photonPersistentDisk", kObject, &kPhotonPersistentDiskSchema},
                                {"projected", kObject, &kProjectedSchema},
                                {"portworxVolume", kObject, &kPortworxSchema},
                                {"scaleIO", kObject, &kScaleIOSchema},
                                {"storageos", kObject, &kStorageOSSchema},
                                {"csi", kObject, &kCSISchema},
                                {"ephemeral", kObject, &kEphemeralSchema},
                                {"image", kObject, &kImageSchema}});

constexpr auto kVolumeMountFields = std::to_array<FieldSchema>({{"name", kString},
                                                                {"readOnly", kBool},
                                                                {"recursiveReadOnly", kString},
                                                                {"mountPath", kString},
                                                                {"subPath", kString},
                                                                {"mountPropagation", kString},
                                                                {"subPathExpr", kString}});

}  // namespace

const ObjectSchema kVolumeSchema = {"Volume", kVolumeFields};
const ObjectSchema kVolumeMountSchema = {"VolumeMount", kVolumeMountFields};

}  // namespace fracta::config
