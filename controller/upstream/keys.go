package upstream

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"busbar/controller"
	"busbar/ocpp"
	"busbar/ocpp/ocpp16"
)

// key is one configuration key of the station (ocpp-gateway 8.1).
type key struct {
	name    string
	value   func(*controller.Snapshot) string // nil: what was set, else initial
	initial string
	accepts func(string) bool // nil: read-only
}

// The limits of the station's own profile store.
const (
	maxStackLevel = 99
	maxPeriods    = 1024
)

// keys are in the order in which GetConfiguration without keys lists them.
var keys = []key{
	{name: controller.SettingAllowOfflineUnknown, initial: "false", accepts: isBool},
	{name: controller.SettingCacheEnabled, initial: "true", accepts: isBool},
	{name: controller.SettingAuthorizeRemote, initial: "false", accepts: isBool},
	{name: "ChargeProfileMaxStackLevel", initial: strconv.Itoa(maxStackLevel)},
	{name: "ChargingScheduleAllowedChargingRateUnit", initial: "Current,Power"},
	{name: "ChargingScheduleMaxPeriods", initial: strconv.Itoa(maxPeriods)},
	{name: "ClockAlignedDataInterval", initial: "0"},
	{name: "ConnectionTimeOut", initial: "60"},
	{name: "ConnectorPhaseRotation", value: phaseRotation},
	{name: "GetConfigurationMaxKeys", initial: "100"},
	{name: keyHeartbeat, initial: "300", accepts: isInt(0, 86400)},
	{name: controller.SettingLocalAuthorizeOffline, initial: "true", accepts: isBool},
	{name: "LocalPreAuthorize", initial: "false"},
	{name: "MaxChargingProfilesInstalled", value: func(s *controller.Snapshot) string { return strconv.Itoa(10 * len(s.Connectors)) }},
	{name: "MessageTimeout", initial: "30"},
	{name: controller.SettingSampleInterval, initial: "60", accepts: isInt(0, 86400)},
	{name: "MeterValuesAlignedData", initial: ""},
	{name: "MeterValuesSampledData", initial: "Energy.Active.Import.Register,Current.Import,Power.Active.Import,SoC"},
	{name: "NumberOfConnectors", value: func(s *controller.Snapshot) string { return strconv.Itoa(len(s.Connectors)) }},
	{name: "ResetRetries", initial: "0"},
	{name: "StopTransactionOnEVSideDisconnect", initial: "true"},
	{name: controller.SettingStopOnInvalid, initial: "true", accepts: isBool},
	{name: "StopTxnAlignedData", initial: ""},
	{name: "StopTxnSampledData", initial: ""},
	{name: "SupportedFeatureProfiles", initial: "Core,SmartCharging,RemoteTrigger"},
	{name: "TransactionMessageAttempts", initial: strconv.Itoa(attempts)},
	{name: "TransactionMessageRetryInterval", initial: strconv.Itoa(int(retryAfter.Seconds()))},
	{name: "UnlockConnectorOnEVSideDisconnect", initial: "true"},
	{name: keyPing, initial: "30", accepts: isInt(0, 3600)},
}

const (
	keyHeartbeat = "HeartbeatInterval"
	keyPing      = "WebSocketPingInterval"
)

func isBool(v string) bool { return strings.EqualFold(v, "true") || strings.EqualFold(v, "false") }

func isInt(least, most int) func(string) bool {
	return func(v string) bool {
		n, err := strconv.Atoi(v)
		return err == nil && n >= least && n <= most
	}
}

func findKey(name string) (key, bool) {
	for _, k := range keys {
		if strings.EqualFold(k.name, name) { // 1.6 key names are case-insensitive
			return k, true
		}
	}
	return key{}, false
}

func (k key) read(snap *controller.Snapshot) string {
	if k.value != nil {
		return k.value(snap)
	}
	if v, ok := snap.Settings[k.name]; ok {
		return v
	}
	return k.initial
}

// phaseRotation lists the wiring in the words of 16§9.1.6: RST is L1L2L3.
func phaseRotation(snap *controller.Snapshot) string {
	letters := strings.NewReplacer("L1", "R", "L2", "S", "L3", "T")
	words := []string{"0.RST"}
	size := len(words[0])
	for _, c := range snap.Connectors {
		rotation := "Unknown"
		if w := letters.Replace(c.Phases); len(w) == 3 {
			rotation = w
		} else if c.Phases != "" {
			rotation = "NotApplicable"
		}
		word := fmt.Sprintf("%d.%s", c.Slot, rotation)
		if size += len(word) + 1; size > 500 {
			break
		}
		words = append(words, word)
	}
	return strings.Join(words, ",")
}

func (s *Station) getConfiguration(_ context.Context, _ *ocpp.Conn, req ocpp16.GetConfigurationRequest, _ *ocpp.Request) (ocpp16.GetConfigurationResponse, error) {
	snap := s.cfg.Loop.Snapshot()
	var resp ocpp16.GetConfigurationResponse
	add := func(k key) {
		resp.ConfigurationKey = append(resp.ConfigurationKey, ocpp16.KeyValue{Key: k.name, Readonly: k.accepts == nil, Value: new(clip(k.read(snap), 500))})
	}
	if len(req.Key) == 0 {
		for _, k := range keys {
			add(k)
		}
		return resp, nil
	}
	for _, name := range req.Key {
		if k, ok := findKey(name); ok {
			add(k)
		} else {
			resp.UnknownKey = append(resp.UnknownKey, name)
		}
	}
	return resp, nil
}

func (s *Station) changeConfiguration(ctx context.Context, _ *ocpp.Conn, req ocpp16.ChangeConfigurationRequest, _ *ocpp.Request) (ocpp16.ChangeConfigurationResponse, error) {
	k, ok := findKey(req.Key)
	switch {
	case !ok:
		return ocpp16.ChangeConfigurationResponse{Status: ocpp16.ConfigurationStatusNotSupported}, nil
	case k.accepts == nil || !k.accepts(req.Value):
		return ocpp16.ChangeConfigurationResponse{Status: ocpp16.ConfigurationStatusRejected}, nil
	}
	a, err := s.ask(ctx, func(id controller.ReplyID) controller.Event {
		return controller.SettingChanged{Reply: id, Key: k.name, Value: strings.ToLower(req.Value)}
	})
	if err != nil || a.Status != "Accepted" {
		return ocpp16.ChangeConfigurationResponse{Status: ocpp16.ConfigurationStatusRejected}, nil
	}
	if k.name == keyHeartbeat {
		s.wake()
	}
	return ocpp16.ChangeConfigurationResponse{Status: ocpp16.ConfigurationStatusAccepted}, nil
}

// heartbeat is the interval the cloud set last: by key, else at Boot.
func (s *Station) heartbeat() time.Duration {
	if v, ok := s.cfg.Loop.Snapshot().Settings[keyHeartbeat]; ok {
		if n, err := strconv.Atoi(v); err == nil && n > 0 {
			return time.Duration(n) * time.Second
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.interval
}

func (s *Station) pingInterval() time.Duration {
	k, _ := findKey(keyPing)
	n, err := strconv.Atoi(k.read(s.cfg.Loop.Snapshot()))
	if err != nil || n <= 0 {
		return -1
	}
	return time.Duration(n) * time.Second
}
