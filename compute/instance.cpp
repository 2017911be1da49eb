#include "compute/vulkan.h"

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>

namespace sfumato {

namespace {

std::atomic<int> messages = 0;

VkBool32 VKAPI_PTR on_message(VkDebugUtilsMessageSeverityFlagBitsEXT, VkDebugUtilsMessageTypeFlagsEXT,
                              VkDebugUtilsMessengerCallbackDataEXT const* data, void*) {
    ++messages;
    std::fprintf(stderr, "validation: %s\n", data->pMessage);
    return VK_FALSE;
}

void load_loader() {
    void* library = dlopen("libvulkan.so.1", RTLD_NOW | RTLD_LOCAL);
    if (!library)
        fail("There is no Vulkan loader (libvulkan.so.1) on this machine: install it (Debian, Ubuntu: libvulkan1) and "
             "a Vulkan "
             "driver for your GPU.");
    vkGetInstanceProcAddr = reinterpret_cast<PFN_vkGetInstanceProcAddr>(dlsym(library, "vkGetInstanceProcAddr"));
    if (!vkGetInstanceProcAddr)
        fail("libvulkan.so.1 is damaged (vkGetInstanceProcAddr is missing): reinstall the Vulkan loader.");
#define X(name) vk##name = reinterpret_cast<PFN_vk##name>(vkGetInstanceProcAddr(nullptr, "vk" #name));
    X(CreateInstance)
    X(EnumerateInstanceVersion)
    X(EnumerateInstanceLayerProperties)
    X(EnumerateInstanceExtensionProperties)
#undef X
}

bool has_extension(char const* name) {
    std::uint32_t count = 0;
    vkEnumerateInstanceExtensionProperties(nullptr, &count, nullptr);
    std::vector<VkExtensionProperties> all(count);
    vkEnumerateInstanceExtensionProperties(nullptr, &count, all.data());
    for (auto const& e : all)
        if (!std::strcmp(e.extensionName, name)) return true;
    return false;
}

bool has_layer(char const* name) {
    std::uint32_t count = 0;
    vkEnumerateInstanceLayerProperties(&count, nullptr);
    std::vector<VkLayerProperties> all(count);
    vkEnumerateInstanceLayerProperties(&count, all.data());
    for (auto const& l : all)
        if (!std::strcmp(l.layerName, name)) return true;
    return false;
}

instance make_instance() {
    // Eight floats at a time are what our kernels for software devices are written for, whatever the processor has.
    setenv("LP_NATIVE_VECTOR_WIDTH", "256", false);
    load_loader();
    std::uint32_t version = VK_API_VERSION_1_0;
    if (vkEnumerateInstanceVersion) vkEnumerateInstanceVersion(&version);
    if (version < VK_API_VERSION_1_2)
        fail("The Vulkan loader is version {}.{}, and 1.2 is needed: update libvulkan1.", VK_API_VERSION_MAJOR(version),
             VK_API_VERSION_MINOR(version));

    char const* const validation = "VK_LAYER_KHRONOS_validation";
    char const* const wish = std::getenv("SFUMATO_VALIDATE");
    bool const validate = wish && *wish && std::strcmp(wish, "0") != 0;
    if (validate && !has_layer(validation))
        fail("SFUMATO_VALIDATE is set, but the Vulkan validation layer is not installed: install it (Debian, "
             "Ubuntu: vulkan-validationlayers), or unset the variable.");

    instance made;
    made.labels = has_extension(VK_EXT_DEBUG_UTILS_EXTENSION_NAME);
    std::vector<char const*> extensions;
    if (made.labels) extensions.push_back(VK_EXT_DEBUG_UTILS_EXTENSION_NAME);

    VkDebugUtilsMessengerCreateInfoEXT const messenger{
        .sType = VK_STRUCTURE_TYPE_DEBUG_UTILS_MESSENGER_CREATE_INFO_EXT,
        .messageSeverity =
            VK_DEBUG_UTILS_MESSAGE_SEVERITY_WARNING_BIT_EXT | VK_DEBUG_UTILS_MESSAGE_SEVERITY_ERROR_BIT_EXT,
        .messageType = VK_DEBUG_UTILS_MESSAGE_TYPE_VALIDATION_BIT_EXT,
        .pfnUserCallback = on_message,
    };
    VkValidationFeatureEnableEXT const enable[] = {VK_VALIDATION_FEATURE_ENABLE_SYNCHRONIZATION_VALIDATION_EXT};
    VkValidationFeaturesEXT const features{
        .sType = VK_STRUCTURE_TYPE_VALIDATION_FEATURES_EXT,
        .enabledValidationFeatureCount = 1,
        .pEnabledValidationFeatures = enable,
    };
    VkApplicationInfo const application{
        .sType = VK_STRUCTURE_TYPE_APPLICATION_INFO, .pApplicationName = "sfumato", .apiVersion = VK_API_VERSION_1_3};
    VkInstanceCreateInfo const info{
        .sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO,
        .pNext = validate ? &features : nullptr,
        .pApplicationInfo = &application,
        .enabledLayerCount = validate ? 1u : 0u,
        .ppEnabledLayerNames = &validation,
        .enabledExtensionCount = std::uint32_t(extensions.size()),
        .ppEnabledExtensionNames = extensions.data(),
    };
    if (VkResult const r = vkCreateInstance(&info, nullptr, &made.handle); r != VK_SUCCESS)
        fail("No Vulkan driver could be loaded (vkCreateInstance: {}): install the Vulkan driver of your GPU, or "
             "mesa-vulkan-drivers.",
             int(r));

#define X(name) vk##name = reinterpret_cast<PFN_vk##name>(vkGetInstanceProcAddr(made.handle, "vk" #name));
    SFUMATO_VULKAN_FUNCTIONS(X)
#undef X
    if (validate)
        vk_check(vkCreateDebugUtilsMessengerEXT(made.handle, &messenger, nullptr, &made.messenger),
                 "vkCreateDebugUtilsMessengerEXT");
    return made;
}

} // namespace

instance::~instance() {
    if (messenger) vkDestroyDebugUtilsMessengerEXT(handle, messenger, nullptr);
    if (handle) vkDestroyInstance(handle, nullptr);
}

instance& vulkan_instance() {
    static instance the = make_instance();
    return the;
}

int validation_messages() { return messages; }

void vk_check(VkResult result, char const* what) {
    if (result == VK_SUCCESS) return;
    if (result == VK_ERROR_DEVICE_LOST)
        throw device_lost(say(
            "The GPU driver stopped answering (device lost): try again, and update the driver if it happens often."));
    if (result == VK_ERROR_OUT_OF_DEVICE_MEMORY || result == VK_ERROR_OUT_OF_HOST_MEMORY)
        fail("The GPU is out of memory ({}): close other programs that use it, or work on a smaller selection.", what);
    fail("The Vulkan driver reports error {} in {}: update the driver.", int(result), what);
}

} // namespace sfumato
