//! The names of all actions that the service has in this version.

/// In the order of the alphabet, to be searched.
#[rustfmt::skip]
const NAMES: [&str; 106] = [
    "AllocateHosts", "AssociateInstancesKeyPairs", "AssociateSecurityGroups", "ConfigureChcAssistVpc",
    "ConfigureChcDeployVpc", "ConvertOperatingSystems", "CreateDisasterRecoverGroup",
    "CreateHpcCluster", "CreateImage", "CreateKeyPair", "CreateLaunchTemplate",
    "CreateLaunchTemplateVersion", "DeleteDisasterRecoverGroups", "DeleteHpcClusters", "DeleteImages",
    "DeleteInstancesActionTimer", "DeleteInstancesDisasterRecoverGroups", "DeleteKeyPairs",
    "DeleteLaunchTemplate", "DeleteLaunchTemplateVersions", "DescribeAccountQuota",
    "DescribeChcDeniedActions", "DescribeChcHosts", "DescribeDisasterRecoverGroupQuota",
    "DescribeDisasterRecoverGroups", "DescribeHosts", "DescribeHpcClusters", "DescribeImageFromFamily",
    "DescribeImageQuota", "DescribeImageSharePermission", "DescribeImages", "DescribeImportImageOs",
    "DescribeInstanceFamilyConfigs", "DescribeInstanceInternetBandwidthConfigs",
    "DescribeInstanceTypeConfigs", "DescribeInstanceVncUrl", "DescribeInstances",
    "DescribeInstancesActionTimer", "DescribeInstancesAttributes", "DescribeInstancesModification",
    "DescribeInstancesOperationLimit", "DescribeInstancesStatus", "DescribeInternetChargeTypeConfigs",
    "DescribeKeyPairs", "DescribeLaunchTemplateVersions", "DescribeLaunchTemplates", "DescribeRegions",
    "DescribeResourcePoolPackInstances", "DescribeResourcePoolPackTypeConfigs",
    "DescribeResourcePoolPacks", "DescribeTaskInfo", "DescribeZoneInstanceConfigInfos", "DescribeZones",
    "DisassociateInstancesKeyPairs", "DisassociateSecurityGroups", "EnterRescueMode", "ExitRescueMode",
    "ExportImages", "ImportImage", "ImportInstancesActionTimer", "ImportKeyPair",
    "InquirePricePurchaseResourcePoolPacks", "InquiryPriceModifyInstancesChargeType",
    "InquiryPriceRenewHosts", "InquiryPriceRenewInstances", "InquiryPriceResetInstance",
    "InquiryPriceResetInstancesInternetMaxBandwidth", "InquiryPriceResetInstancesType",
    "InquiryPriceResizeInstanceDisks", "InquiryPriceRunInstances", "InquiryPriceTerminateInstances",
    "ModifyChcAttribute", "ModifyChcNetworkMode", "ModifyDisasterRecoverGroupAttribute",
    "ModifyHostsAttribute", "ModifyHpcClusterAttribute", "ModifyImageAttribute",
    "ModifyImageSharePermission", "ModifyInstanceDiskType", "ModifyInstancesAttribute",
    "ModifyInstancesChargeType", "ModifyInstancesDisasterRecoverGroup", "ModifyInstancesProject",
    "ModifyInstancesRenewFlag", "ModifyInstancesVpcAttribute", "ModifyKeyPairAttribute",
    "ModifyLaunchTemplateDefaultVersion", "ProgramFpgaImage", "PurchaseResourcePoolPacks",
    "RebootInstances", "RemoveChcAssistVpc", "RemoveChcDeployVpc", "RenewHosts", "RenewInstances",
    "RepairTaskControl", "ResetInstance", "ResetInstancesInternetMaxBandwidth",
    "ResetInstancesPassword", "ResetInstancesType", "ResizeInstanceDisks", "RunInstances",
    "StartInstances", "StopInstances", "SyncImages", "TerminateInstances", "TerminateResourcePoolPacks",
];

/// Whether the service has an action of this name.
pub(crate) fn exists(name: &str) -> bool {
    NAMES.binary_search(&name).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_can_be_searched() {
        assert!(NAMES.is_sorted());
        assert!(exists("SyncImages") && exists("AllocateHosts") && exists("TerminateResourcePoolPacks"));
        assert!(!exists("syncimages") && !exists(""));
    }
}
