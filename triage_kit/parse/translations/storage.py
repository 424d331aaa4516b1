# ruff: noqa: RUF001 tables of words
"""How translated messages begin: vacuum, checkpoints and files that are made anew."""

from __future__ import annotations

# subject of messages.TABLE, then one beginning a line.
TABLE = r"""
relation_truncated_at_end
    "%" 테이블: % 에서
    "%" 테이블: 잠금 요청
    "%": stoppar trunkeri
    "%": truncate interro
    "%": зупинка скорочен
    "%": остановка усечен
    "%": 将%截断到% p
    "%": 잠금 요청 충돌로
    "%":由于与锁请求相冲突，停
    "%":由于与锁请求相冲突，暂
    "%":競合するロックが存在す
    %: წაკვეთის შეჩ
    Tabelle »%«: Truncate
    Tabelle »%«: von % a
    tabell "%": pausar tr
    tabell "%": trunkerad
    tabella "%": % tronc
    tabella "%": sospensi
    tabla «%»: suspendien
    tabla «%»: truncadas
    table « % » : % pages tron
    table « % » : mis en
    « % » : arrêt du TRUN
    «%»: suspendien
    »%«: Truncate wird ge
    таблица "%": приостан
    таблица "%": усечение
    таблиця "%: при
    таблиця "%: ско
    ცხრილი "%": წაიკვეთა
    ცხრილი %: წაკვე
    テーブル"%": %ページか
    テーブル"%": 競合するロッ
autovacuum
    "%.%.%" 테이블 대상으로 자동
    "%.%.%" 테이블 자동 청소:
    VACUUM automatiq
    automatisches Va
    automatisches ag
    automatisk aggre
    automatisk vacuu
    pulizia automati
    vacuum  automati
    vacuum agresivo
    vacuum automatic
    vacuum automátic
    автоматическая а
    автоматическая о
    автоматична агре
    автоматична очис
    автоматичне очищ
    автоматичний агр
    ჩაციკვლის თავიდა
    ცხრილის ("%.%.%") ავტომატ
    ცხრილის ავტოდამტ
    テーブル"%.%.%"に対する自動VA
    テーブル"%.%.%"の周
    テーブル"%.%.%"の積
    テーブル"%.%.%"の自
    对表"%.%.%"进行自动清理
    自动清理表"%.%.%"：
    自动积极的清理表"%.%.%
    自动积极的清理，防止表"%.%
    적극적인 "%.%.%" 테이블 자동
    트랙젝션 ID 겹침 방지를 위
autoanalyze
    "%.%.%" 테이블 자동 분석
    ANALYZE automati
    analisi automati
    análisis automát
    automatisches An
    automatisk analy
    автоматический а
    автоматичний ана
    ცხრილის ავტოანალ
    ცხრილის ავტომატუ
    テーブル"%.%.%"に対する自動AN
    对表"%.%.%"进行自动分析
    自动分析表 "%.%.%"
checkpoint_complete
    Checkpoint kompl
    Restart-Punkt ko
    checkpoint compl
    checkpoint klar:
    checkpoint termi
    punto di riavvio
    restartpoint com
    restartpoint kla
    restartpoint ter
    restartpoint 작업완
    контрольна точка завер
    контрольная точка заве
    точка перезапуска заве
    точка перезапуску заве
    チェックポイント完了: %個の
    リスタートポイント完了: %個
    체크포인트 작업완료: %개(
checkpoint_starting
    Checkpoint begin
    Restart-Punkt be
    checkpoint start
    début du checkpo
    début du restart
    empezando checkp
    empezando restar
    inizio checkpoin
    inizio del punto
    restartpoint sta
    restartpoint 시작:
    начата контрольн
    начата точка пер
    початок контроль
    початок точки пе
    გადატვირთვის წერ
    საკონტროლო წერტილი იწყ
    チェックポイント開始:%
    リスタートポイント開始:%
    체크포인트 시작:%
unlogged_reset
    nollställer olog
    reseteando relac
    ripristino delle
    setze ungeloggte
    сброс нежурналир
    скидання нежурна
    非ログリレーションをリセットして
    로그 안남기는 릴레이션 재설정
"""
