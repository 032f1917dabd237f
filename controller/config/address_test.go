package config

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestMeterURLs(t *testing.T) {
	for text, want := range map[string]MeterURL{
		"tcp://10.0.0.5:502/1":                     {Scheme: "tcp", Host: "10.0.0.5:502", Unit: 1},
		"tcp://meter.local":                        {Scheme: "tcp", Host: "meter.local:502", Unit: 1},
		"tcp://[fd00::5]/255?model=eastron_sdm630": {Scheme: "tcp", Host: "[fd00::5]:502", Unit: 255, Model: "eastron_sdm630"},
		"tcp://meter/0":                            {Scheme: "tcp", Host: "meter:502"},
		"mqtt://broker/a/b?l1=x&l2=y&l3=z":         {Scheme: "mqtt", Host: "broker:1883", Topic: "a/b", Current: [3]string{"x", "y", "z"}, Scale: 1},
		"mqtts://b:1/s/em:0?l1=I.0&l2=I.1&l3=I.2&p1=a&p2=b&p3=c&scale=0.001&sign=-": {Scheme: "mqtts", Host: "b:1", Topic: "s/em:0",
			Current: [3]string{"I.0", "I.1", "I.2"}, Direction: [3]string{"a", "b", "c"}, Scale: 0.001, Inverted: true},
		"mqtt://b/a%20b?l1=x%26&l2=y&l3=z": {Scheme: "mqtt", Host: "b:1883", Topic: "a b", Current: [3]string{"x&", "y", "z"}, Scale: 1},
	} {
		want.text = text
		got, err := ParseMeterURL(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
		} else if d := cmp.Diff(want, got, exact); d != "" {
			t.Errorf("%s:\n%s", text, d)
		}
	}
	for _, text := range []string{"", "tcp:", "tcp://", "tcp:///1", "tcp://h/x", "tcp://h/-1", "tcp://h:0/1", "tcp://h:/1", "tcp://h/1#2", "tcp://h/1?unit=2",
		"tcp://u@h/1", "tcp://h_h/1", "tcp://10.0.0/1", "mqtt://b/?l1=x&l2=y&l3=z", "mqtt://b/t?l1=x&l2=y&l3=z&scale=NaN", "mqtt://b/t?l1=x&l2=y&l3=z&scale=-1",
		"mqtt://b/t?l1=x&l2=y&l3=z&scale=1e9", "mqtt://b/t?l1=x&l1=y&l2=y&l3=z", "mqtt://b/t?l1=x&l2=y&l3=z&sign=plus", "mqtt://b/t?l1=%zz"} {
		if m, err := ParseMeterURL(text); err == nil {
			t.Errorf("%q was taken: %+v", text, m)
		}
	}
}

func TestListenAddresses(t *testing.T) {
	for _, text := range []string{"", ":443", "10.0.0.1:8888", "[::1]:8888", "127.0.0.1:0", "0.0.0.0:65535"} {
		if reason := addressProblem(t, text); reason != "" {
			t.Errorf("%q: %s", text, reason)
		}
	}
	for _, text := range []string{":", "443", "localhost:443", ":0443", ":65536", ":-1", "::1:443", "[10.0.0.1]:443", "10.0.0.1.2:443", "[::1]", ":44 3", "[::1:443"} {
		if addressProblem(t, text) == "" {
			t.Errorf("%q was taken", text)
		}
	}
}

func addressProblem(t *testing.T, text string) string {
	t.Helper()
	r := &reader{at: map[string]place{"": {}}, bad: map[string]bool{}}
	address().read(r, node{kind: textNode, text: text}, "")
	return r.problems.Error()
}
