package main

import (
	"slices"
	"strings"
)

// initialisms are spelt in capitals, as Go wants it.
var initialisms = []string{"Ac", "Apn", "Cs", "Csms", "Dc", "Der", "Ev", "Evcc", "Evse", "Exi", "Id", "Ocpp", "Ocsp", "Uri", "Url", "V2x", "Vpn"}

// goName is an OCPP name in Go spelling: idTag is IDTag, limit_L2 is LimitL2.
func goName(name string) string {
	var out strings.Builder
	for part := range strings.SplitSeq(name, "_") {
		for _, word := range words(part) {
			word = strings.ToUpper(word[:1]) + word[1:]
			switch {
			case slices.Contains(initialisms, word):
				word = strings.ToUpper(word)
			case word == "Ids":
				word = "IDs"
			}
			out.WriteString(word)
		}
	}
	return out.String()
}

// words splits at capitals after small letters.
func words(name string) []string {
	var out []string
	start := 0
	for i := 1; i < len(name); i++ {
		if isUpper(name[i]) && !isUpper(name[i-1]) {
			out = append(out, name[start:i])
			start = i
		}
	}
	return append(out, name[start:])
}

func isUpper(c byte) bool { return c >= 'A' && c <= 'Z' }

// constName is an enum value as part of a constant's name.
func constName(value string) string {
	var out strings.Builder
	for _, part := range strings.FieldsFunc(value, func(r rune) bool { return strings.ContainsRune(".-_ ", r) }) {
		out.WriteString(strings.ToUpper(part[:1]) + part[1:])
	}
	return out.String()
}
