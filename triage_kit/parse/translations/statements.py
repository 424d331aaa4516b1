# ruff: noqa: RUF001 tables of words
"""How translated messages begin: statements that fail, wait or reach further."""

from __future__ import annotations

# subject of messages.TABLE, then one beginning a line.
TABLE = r"""
lock_timeout
    "%" 릴레이션의 잠금 정보
    "%.%" 릴레이션의 잠금
    annulation de la requête à cause du délai écoulé pour l'obte
    annullamento dell'istruzione a causa di timeout di lock
    avbryter sats på grund av lå
    cancelando la sentencia debido a que se agotó el tiempo de espera de candados (locks)
    konnte Sperre fü
    kunde inte låsa rad i
    kunde inte ta lå
    lock della relaz
    lock di riga nel
    n'a pas pu obtenir un verrou
    no se pudo bloquear un
    storniere Anfrage wegen Zeitüberschreitung einer Sperre
    виконання оператора скасовано через тайм-аут блокування
    выполнение оператора отменено из-за тайм-аута блокировки
    не вдалося отримати бл
    не удалось получить бл
    ბლოკის მიღების შ
    გამოსახულება გაუ
    ურთიერთობაში "%" მწკრ
    リレーション"%"のロックを取
    リレーション"%"の行ロックを
    リレーション"%.%"のロックを取得でき
    ロックのタイムアウトのためステー
    无法在关系 "%" 上获得锁
    无法在关系 "%"中的记录上获
    无法在关系 "%.%" 上获
    由于锁超时，取消语句操作
    잠금 대기 시간 초과로 작업을
statement_timeout
    sorgu zaman aşımına uğradı
    annulation de la requête à cause du délai écoulé pour l'exéc
    avbryter sats på grund av sa
    cancelando la sentencia debido a que se agotó el tiempo de espera de sentencias
    storniere Anfrage wegen Zeitüberschreitung der Anfrage
    ステートメントのタイムアウトのた
    由于语句执行超时，正在取消查询命
    명령실행시간 초과로 작업을 취
unique_violation
    "%" 고유 인덱스를 만들
    creazione dell'i
    doppelter Schlüs
    duplicerat nycke
    konnte Unique In
    kunde inte skapa unikt
    la valeur d'une clé du
    llave duplicada
    n'a pas pu créer l'ind
    no se pudo crear el ín
    un valore chiave
    не вдалося створити ун
    повторювані знач
    повторяющееся зн
    создать уникальный индекс "%
    დუბლირებული გასა
    უნიკალური ინდექს
    一意インデックス"%"を作成で
    无法创建唯一索引"%"
    重复键违反唯一约束"%"
    重複したキー値は一意性制約"%
    중복된 키 값이 "%" 고유
aborted_transaction
    geçerli transaction durduruldu
    bieżąca transakcja została przerwana
    aktuella transak
    aktuelle Transak
    la transaction e
    la transazione c
    transacción abortada,
    поточна транзакц
    текущая транзакц
    当前事务被终止, 事务块结束之前
    現在のトランザクションがアボート
    현재 트랜잭션은 중지되어 있습
deadlock
    % PID 프로세스는 %(
    % PID 프로세스에서 %(%) 대
    Prozess % hat V
    Prozess % vermi
    Verklemmung (Dea
    deadlock upptäck
    deadlock 발생했음
    el proceso % de
    el proceso % ev
    il processo % ha evit
    il processo % ha indi
    interblocage (de
    le processus % a déte
    le processus % a évit
    process % undve
    process % upptä
    rilevato deadloc
    se ha detectado
    виявлено взаємне
    обнаружена взаим
    процес % виявив
    процес % уникну
    процесс % избеж
    процесс % обнар
    ნაპოვნია ურთიერთ
    デッドロックを検出しました
    プロセス%は、%.
    プロセス%は、%上の
    检测到死锁
    进程%在%.% ms等待在%
    进程%在%.% ms通过重新安排
drop_cascade
    % 개체가 덩달아 삭제됨
    %개의 다른 개체에 대한 관
    DROP cascade sur
    Löschvorgang lös
    drop svämmar öve
    eliminando ademá
    l'eliminazione e
    видалення поширю
    удаление распрос
    წაშლა %-ზეც ვრც
    წაშლა გავრცელდებ
    串联删除%个其它对象
    削除は%へ伝播します
    削除は他の%個のオブジェクトに
    递归删除 %
foreign_key_violation
    "%" 테이블에서 자료 추가
    "%" 테이블의 자료 갱신,
    Aktualisieren od
    Einfügen oder Ak
    INSERT или UPDAT
    UPDATE ou DELETE
    UPDATE или DELET
    inserción o actu
    insert eller upd
    insert або updat
    l'istruzione UPD
    la INSERT o l'UP
    une instruction
    update eller del
    update o delete
    update або delet
    テーブル"%"の更新または
    テーブル"%"への挿入、更新は
    在 "%" 上的更新或删除
    插入或更新表 "%" 违反外键
undefined_table
    "%" 이름의 구체화된 뷰가
    "%" 이름의 릴레이션(relation)이 없습니
    "%" 테이블을 사용하는 F
    "%.%" 이름의 릴레이션
    Relation »%.%« exist
    elemento FROM pe
    entrée manquante de la
    falta una entrada para
    fehlender Eintrag in F
    la relation « %.% »
    la relazione "%.%" n
    no existe la relación «%.%
    no existe la sec
    no existe la tabla «%
    no existe la vis
    ogiltig referens
    referencia a la
    relationen "%" existe
    relationen "%.%
    riferimento non
    référence invali
    saknar FROM-klau
    ungültiger Verwe
    в елементі речен
    в элементе предл
    відношення "%.%
    отношение "%.%" не с
    таблица "%" отс
    таблиця "%" від
    ურთიერთობა "%.%
    ცხრილი არ არსებო
    テーブル"%"用のFROM句に
    テーブル"%"用のFROM句エ
    リレーション"%.%"は存在
    关系 "%.%" 不存在
    对于表 "%"的FROM子句项
    对于表"%",丢失FROM子句
    테이블 "%"에 FROM 절
lock_wait
    % PID 프로세스가 %(
    % PID 프로세스에서 여전
    %.% ms 기다려서
    %.% ms 기다린
    Prozess % erlan
    Prozess % konnt
    Prozess % wartet imme
    Warten der Wiede
    Wiederherstellung wart
    el proceso % ad
    el proceso % aú
    el proceso % no
    il processo % ha acqu
    il processo % ha fall
    il processo % è ancor
    la recuperación aún es
    la recuperación terminó de e
    la restauration a fini
    le processus % a acqu
    le processus % a écho
    le processus % est to
    process % fick
    process % missl
    process % vänta
    recupero ancora
    recupero termina
    restauration tou
    återställning sl
    återställning vä
    відновлення все
    відновлення закі
    процес % все ще
    процес % не змі
    процес % отрима
    процесс % не см
    процесс % получ
    процесс % продо
    процесс восстано
    プロセス%は%.% ms後に%上で%を獲得す
    プロセス%は%.% ms後に%上の%を獲得し
    プロセス%は%を%で待機し
    リカバリは%.%ミリ秒
    进程%在%.% ms仍然等待在%
    进程%在%.% ms后获取在%
    프로세스 %에서 %(%)
truncate_cascade
    truncate işlemi , cascade
    "%" 개체의 자료도 함께
    TRUNCATE cascade
    Truncate-Vorgang
    truncando además
    truncate si prop
    truncate svämmar
    опустошение расп
    скорочення пошир
    მოკვეთა გადაეცემ
    テーブル"%"へのカスケードを
    级联截断表"%"
"""
