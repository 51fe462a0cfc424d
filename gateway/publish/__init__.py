"""Output that the gateway pushes: the topics of Kafka-native subscribers."""
