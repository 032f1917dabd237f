package ocpp

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
)

// checkPresence reports the first member that t requires and raw doesn't have: a
// field without omitempty. After decoding, a number that was not there looks like 0,
// which is a value (connectorId 0 is the station).
func checkPresence(raw json.RawMessage, t reflect.Type, path string) *Violation {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case t == reflect.TypeFor[DateTime](), t == reflect.TypeFor[json.RawMessage]():
		return nil
	case t.Kind() == reflect.Slice:
		list, err := RawArray(raw)
		if err != nil {
			return nil // null, or a violation of type that decoding has found
		}
		for i, element := range list {
			if v := checkPresence(element, t.Elem(), fmt.Sprintf("%s[%d]", path, i)); v != nil {
				return v
			}
		}
		return nil
	case t.Kind() != reflect.Struct:
		return nil
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(raw, &members) != nil {
		return nil
	}
	for field := range t.Fields() {
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		if name == "" || name == "-" {
			continue
		}
		value, there := members[name]
		if !there || string(value) == "null" {
			if strings.Contains(options, "omitempty") {
				continue
			}
			return Missing(join(path, name))
		}
		if v := checkPresence(value, field.Type, join(path, name)); v != nil {
			return v
		}
	}
	return nil
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}
