package web

import (
	"encoding/json"
	"net/http"
	"reflect"
	"regexp"
	"strings"
	"time"
)

// schema is a JSON Schema as far as the API needs one.
type schema map[string]any

// openapi is GET /api/v1/openapi.json, made from the route table.
func (s *Server) openapi(w http.ResponseWriter, _ *http.Request) { reply(w, s.description()) }

func (s *Server) description() schema {
	paths := map[string]schema{}
	for _, r := range s.routes {
		path := strings.TrimSuffix(r.path, "{$}")
		if paths[path] == nil {
			paths[path] = schema{}
		}
		paths[path][strings.ToLower(r.method)] = r.operation(s.cfg.Demo != nil)
	}
	return schema{
		"openapi": "3.1.0",
		"info": schema{"title": "Busbar", "version": s.cfg.Version,
			"description": "Currents are amperes per phase (L1, L2, L3), energies whole Wh, times RFC 3339. Errors are RFC 9457 problems with a remedy."},
		"paths": paths,
		"components": schema{
			"securitySchemes": schema{"token": schema{"type": "http", "scheme": "bearer"}},
			"schemas":         schema{"Problem": schemaOf(reflect.TypeFor[problem]())},
		},
	}
}

var pathParameter = regexp.MustCompile(`\{(\w+)\}`)

func (r route) operation(demo bool) schema {
	problems := schema{"description": "Problem with a remedy", "content": schema{"application/problem+json": schema{"schema": schema{"$ref": "#/components/schemas/Problem"}}}}
	ok := schema{"description": "Done"}
	if r.answer != nil {
		ok["content"] = schema{"application/json": schema{"schema": schemaOf(reflect.TypeOf(r.answer))}}
	}
	op := schema{"summary": r.summary, "responses": schema{"200": ok, "default": problems}}
	if r.access == accessWrite || r.access != accessOpen && !demo {
		op["security"], op["description"] = []schema{{"token": []string{}}}, "Role "+string(r.least())+"."
	}
	var parameters []schema
	for _, m := range pathParameter.FindAllStringSubmatch(r.path, -1) {
		kind := "string"
		if m[1] == "n" {
			kind = "integer"
		}
		parameters = append(parameters, schema{"name": m[1], "in": "path", "required": true, "schema": schema{"type": kind}})
	}
	for _, name := range r.query {
		parameters = append(parameters, schema{"name": name, "in": "query", "schema": querySchema(name)})
	}
	if parameters != nil {
		op["parameters"] = parameters
	}
	if r.body != nil {
		op["requestBody"] = schema{"content": schema{"application/json": schema{"schema": schemaOf(reflect.TypeOf(r.body))}}}
	}
	return op
}

// querySchema describes a parameter; one name means the same at all routes.
func querySchema(name string) schema {
	switch name {
	case "n":
		return schema{"type": "integer", "minimum": 1, "maximum": listMost}
	case "unchecked":
		return schema{"type": "boolean"}
	case "direction":
		return schema{"type": "string", "enum": []string{"in", "out"}}
	}
	return schema{"type": "string"}
}

// schemaOf describes a type of the API.
func schemaOf(t reflect.Type) schema {
	switch t {
	case reflect.TypeFor[time.Time]():
		return schema{"type": "string", "format": "date-time"}
	case reflect.TypeFor[json.RawMessage]():
		return schema{} // anything
	}
	switch t.Kind() {
	case reflect.Bool:
		return schema{"type": "boolean"}
	case reflect.String:
		return schema{"type": "string"}
	case reflect.Float64:
		return schema{"type": "number"}
	case reflect.Int, reflect.Int64:
		return schema{"type": "integer"}
	case reflect.Pointer:
		return schema{"anyOf": []schema{schemaOf(t.Elem()), {"type": "null"}}}
	case reflect.Slice:
		return schema{"type": "array", "items": schemaOf(t.Elem())}
	case reflect.Array:
		return schema{"type": "array", "items": schemaOf(t.Elem()), "minItems": t.Len(), "maxItems": t.Len()}
	case reflect.Struct:
		return structSchema(t)
	}
	panic("web: no schema for " + t.String())
}

func structSchema(t reflect.Type) schema {
	properties, required := schema{}, []string{}
	for f := range t.Fields() {
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		properties[name] = schemaOf(f.Type)
		if kinds := f.Tag.Get("schema"); kinds != "" { // what JSON has and the type doesn't tell
			properties[name] = schema{"type": strings.Split(kinds, ",")}
		}
		if options == "" {
			required = append(required, name)
		}
	}
	return schema{"type": "object", "properties": properties, "required": required}
}
