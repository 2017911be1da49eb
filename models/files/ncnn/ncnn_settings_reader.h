// Reads what a layer of ncnn's says of itself; strictly.
#pragma once

#include "compute/error.h"
#include "models/files/checkpoint.h"
#include "models/files/ncnn/ncnn_param.h"

#include <format>
#include <set>

namespace sfumato {

/// The settings of a layer, asked one by one; those that nobody asked for are refused.
struct settings_reader {
    static constexpr int largest = 1 << 16;

    ncnn_layer const& layer;
    std::string const& source;
    std::set<int> asked = {};

    sentence who() const { return say("layer {} ({})", show_name(layer.name), show_name(layer.type)); }

    [[noreturn]] void refuse(int number) const {
        auto const found = layer.settings.find(number);
        std::string values;
        if (found != layer.settings.end())
            for (double v : found->second) values += std::format("{}{}", values.empty() ? "" : ", ", v);
        if (values.empty())
            fail("'{}' is of no network that is known here: {} lacks setting {}.", source, who(), number);
        fail("'{}' is of no network that is known here: {} has setting {} = {}.", source, who(), number,
             values.substr(0, 60));
    }

    std::vector<double> list(int number) {
        asked.insert(number);
        auto const found = layer.settings.find(number);
        return found == layer.settings.end() ? std::vector<double>() : found->second;
    }
    double number(int number, double otherwise) {
        auto const values = list(number);
        if (values.size() > 1) refuse(number);
        return values.empty() ? otherwise : values[0];
    }
    int whole(int number, int otherwise) {
        double const value = this->number(number, otherwise);
        if (value < 0 || value > largest || value != int(value)) refuse(number);
        return int(value);
    }
    /// Of width and height (or four sides) alike; the others' numbers are larger by 10 and are missing where they
    /// agree.
    int alike(int number, int otherwise) {
        int const value = whole(number, otherwise);
        if (whole(number + 10, value) != value) refuse(number + 10);
        return value;
    }
    /// What only one value is supported of, which is also what a missing one means …
    void expect(int number, double value) {
        if (this->number(number, value) != value) refuse(number);
    }
    /// … or not.
    void require(int number, double value) {
        if (!layer.settings.contains(number)) refuse(number);
        expect(number, value);
    }
    void finish() const {
        for (auto const& [number, values] : layer.settings)
            if (!asked.contains(number)) refuse(number);
    }
};

} // namespace sfumato
