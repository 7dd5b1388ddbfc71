{{/* What jobs/launch.py applies, after adding jobs/spark-defaults.conf to sparkConf and the wanted settings to the driver. */}}
{{- define "kiwi.settlement" -}}
apiVersion: sparkoperator.k8s.io/v1beta2
kind: SparkApplication
metadata:
  name: kiwi-settlement
  namespace: {{ .Release.Namespace }}
  labels: {app.kubernetes.io/name: kiwi, app.kubernetes.io/component: settlement}
spec:
  # What the operator's webhook would fill in is filled in here: then to apply it again changes nothing.
  type: Python
  pythonVersion: "3"
  mode: cluster
  sparkVersion: 4.2.0
  suspend: false
  image: {{ include "kiwi.image" . }}
  imagePullPolicy: {{ .Values.image.pullPolicy }}
  {{- with .Values.image.pullSecrets }}
  imagePullSecrets: {{- toYaml . | nindent 4 }}
  {{- end }}
  mainApplicationFile: local:///opt/kiwi/jobs/settle.py
  # A driver that halted (exit code 70) is started again too, and halts again, harmlessly, until a human acts.
  restartPolicy: {type: Always, onFailureRetryInterval: 5, onSubmissionFailureRetryInterval: 5}
  sparkConf:
    # PrometheusServlet lives in Spark's pages, which are off elsewhere.
    spark.ui.enabled: "true"
    spark.metrics.conf.*.sink.prometheusServlet.class: org.apache.spark.metrics.sink.PrometheusServlet
    spark.metrics.conf.*.sink.prometheusServlet.path: /metrics/prometheus
    spark.metrics.namespace: kiwi_settlement
    spark.sql.streaming.metricsEnabled: "true"
    # An executor whose machine lost power sends no word of it, and Spark would wait for it for two to three minutes.
    spark.executor.heartbeatInterval: 5s
    spark.network.timeout: 30s
    spark.network.timeoutInterval: 5s
    # The job has no volume claims, and its Service goes with the driver's pod: no rights are needed for either.
    spark.kubernetes.driver.ownPersistentVolumeClaim: "false"
    spark.kubernetes.driver.reusePersistentVolumeClaim: "false"
    spark.kubernetes.driver.service.deleteOnTermination: "false"
  sparkUIOptions:
    serviceLabels: {app.kubernetes.io/name: kiwi, app.kubernetes.io/component: settlement}
  volumes:
    # Spark's checkpoint among others: scratch, as the offsets that count are in the ledger.
    - {name: tmp, emptyDir: {sizeLimit: 1Gi}}
  driver: {{- include "kiwi.sparkPod" . | nindent 4 }}
    {{- toYaml .Values.settlement.driver | nindent 4 }}
    serviceAccount: kiwi-settlement
    terminationGracePeriodSeconds: 90 # the batch in hand may take 60 s
    annotations:
      kiwi/settings: {{ include "kiwi.settings" . | sha256sum }} # the next launch sees changed settings
    envFrom: [{configMapRef: {name: kiwi}}]
    env:
      - {{- include "kiwi.databaseUrl" "settle" | nindent 8 }}
  executor: {{- include "kiwi.sparkPod" . | nindent 4 }}
    {{- toYaml .Values.settlement.executor | nindent 4 }}
    serviceAccount: kiwi-task # may do nothing; else executors would get the driver's
    terminationGracePeriodSeconds: 20
{{- end }}

{{- define "kiwi.sparkPod" -}}
labels: {app.kubernetes.io/name: kiwi, app.kubernetes.io/component: settlement}
podSecurityContext: {{- include "kiwi.podSecurity" . | nindent 2 }}
securityContext: {{- include "kiwi.containerSecurity" . | nindent 2 }}
volumeMounts: [{name: tmp, mountPath: /tmp}]
{{- end }}
